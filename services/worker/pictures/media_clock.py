"""How the media clock runs against the time of arrival: pure, in seconds.

A packet may be late, never early. So the smallest difference between its arrival and its PTS is the nearest to the
truth, and media that comes earlier than any before it by a whole step has had its timestamps set forward.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

JUMP_SECONDS = 1.0
"""By how much media must seem to be early at once before its timestamps are believed to have jumped."""
CONFIRMING_PACKETS = 2
"""So many packets in a row must say so: with B-frames some are shown long after the one that came before them, but of
the few that the tap passes never two in a row."""
HELD_BACK_SECONDS = 60.0
"""What ffmpeg holds back while it probes is not so long."""
DRIFT_SECONDS = 10.0
"""Over how long the least lateness is taken, so that what the network held back is no drift."""


def opening_anchor(latenesses: list[float]) -> float:
    """Give where PTS 0 is by the packets that came first, all at once: one that seems far too early was set forward."""
    return min(lateness for lateness in latenesses if latenesses[0] - lateness < HELD_BACK_SECONDS)


@dataclass(frozen=True, slots=True)
class Jump:
    """Timestamps went forward by `seconds`; what was before that ends at `until`, a PTS."""

    until: float
    seconds: float


@dataclass(slots=True)
class MediaClock:
    """Follows one run's packets; PTS 0 is at `anchor` on the clock of the arrivals."""

    anchor: float
    _earliest: float = field(init=False)
    _before: tuple[float, float] | None = None
    _suspect: Jump | None = None
    _confirmed: int = 0
    _recent: deque[tuple[float, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Believe the anchor until a packet comes earlier."""
        self._earliest = self.anchor

    @property
    def is_in_doubt(self) -> bool:
        """Say whether the packets that came last may be after a jump: their times are not to be used."""
        return self._suspect is not None

    @property
    def lateness(self) -> float:
        """Give by how much less than the time of arrival PTS are by now."""
        return self._recent[0][1] if self._recent else self.anchor

    @property
    def drift(self) -> float:
        """Give by how much the media clock is ahead of the time of arrival by now; negative: behind it."""
        return self.anchor - self.lateness

    def settled(self) -> float:
        """Move the anchor to the least lateness so far, and give it."""
        self.anchor = self._earliest
        return self.anchor

    def arrive(self, pts: float, at: float) -> Jump | None:
        """Take the next packet; give the jump that it confirms."""
        lateness, before = at - pts, self._before
        self._before = (pts, at)
        if lateness >= self._earliest - JUMP_SECONDS:
            self._suspect, self._confirmed = None, 0
        elif self._suspect is not None:
            self._confirmed += 1
        elif before is not None and (jump := pts - before[0] - (at - before[1])) > JUMP_SECONDS:
            self._suspect, self._confirmed = Jump(until=before[0] + at - before[1], seconds=jump), 1
        if self._suspect is None:
            self._earliest = min(self._earliest, lateness)
            self._note(lateness, at)
        return self._suspect if self._confirmed == CONFIRMING_PACKETS else None

    def _note(self, lateness: float, at: float) -> None:
        """Keep the least lateness of the last DRIFT_SECONDS in front."""
        while self._recent and self._recent[-1][1] >= lateness:
            self._recent.pop()
        self._recent.append((at, lateness))
        while self._recent[0][0] < at - DRIFT_SECONDS:
            self._recent.popleft()
