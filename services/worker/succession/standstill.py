"""Whether this process stood still for long: stopped by a signal, or with its whole machine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


def _awake() -> float:
    """Give seconds on a clock that also goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Standstill:
    """Notices, from any thread, that `tick` was not called for `longest` seconds; `forgive` forgets it."""

    longest: float
    _ticked: float = field(default_factory=_awake)
    _was_noticed: bool = False

    def tick(self) -> None:
        """Note that this process runs."""
        self._was_noticed, self._ticked = self.is_noticed(), _awake()

    def is_noticed(self) -> bool:
        """Say whether it stood still, and nobody has looked since what became of the world meanwhile."""
        return self._was_noticed or _awake() - self._ticked > self.longest

    def forgive(self) -> None:
        """Note that somebody has looked."""
        self._was_noticed, self._ticked = False, _awake()
