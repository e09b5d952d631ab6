"""Files that end before it is time: their timestamps may have jumped, and the picture child is about to say so."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.domain.artifact import Kind
from services.worker.capture.steady_clock import SteadyClock
from services.worker.events import FileClosed

AHEAD_SECONDS = 1.0


@dataclass(slots=True)
class Doubt:
    """Holds files back until media is seen to have come as far as they say, or the jump is told."""

    steady: SteadyClock
    _held: list[FileClosed] = field(default_factory=list)

    def hold(self, file: FileClosed, anchor: float) -> bool:
        """Hold a file that ends in the future; PTS 0 is at `anchor` (epoch s). False: it need not be held."""
        if file.kind is Kind.SNAPSHOT or anchor + file.end <= self.steady.now() + AHEAD_SECONDS:
            return False
        self._held.append(file)
        return True

    def released(self, reach: float | None = None) -> list[FileClosed]:
        """Give what was held: all of it, or only where media has come as far as `reach` (PTS, s)."""
        if reach is not None and self._held and reach < self._held[-1].end - AHEAD_SECONDS:
            return []
        files, self._held = self._held, []
        return files
