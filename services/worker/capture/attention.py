"""Whether a picture child still listens: it owes a word about what it is fed, and a wedged one gives none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from services.worker.capture.pulse import LOOK_SECONDS

WORD_SECONDS = 1.3
"""The child tells of a packet that comes a second after the last one it told of; sooner, it need not."""
SILENT_LOOKS = int(4 / LOOK_SECONDS)
SILENT_LOOKS_AT_FIRST = int(8 / LOOK_SECONDS)
"""A new child starts an interpreter and loads its codecs before it says anything."""


@dataclass(slots=True)
class Attention:
    """One child's words and debts, by looks at it: a worker that stood still itself blames nobody."""

    _heard_at: float = field(default_factory=time.monotonic)
    _has_spoken: bool = False
    _owes: bool = False
    _looks: int = 0

    def fed(self) -> None:
        """Note that the child was given packets."""
        self._owes = self._owes or time.monotonic() - self._heard_at >= WORD_SECONDS

    def heard(self) -> None:
        """Note that the child said something."""
        self._heard_at, self._has_spoken, self._owes, self._looks = time.monotonic(), True, False, 0

    def is_lost(self) -> bool:
        """Look once more; say whether the child has owed a word for too long."""
        self._looks = self._looks + 1 if self._owes else 0
        return self._looks >= (SILENT_LOOKS if self._has_spoken else SILENT_LOOKS_AT_FIRST)
