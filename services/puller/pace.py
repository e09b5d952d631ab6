"""The pace of what comes in lumps, as segments do: published as it plays. All times are seconds."""

from __future__ import annotations

from dataclasses import dataclass

LATE = 3.0
"""Less than this is caught up with, so that media keeps to the clock; more is a loss of time for good."""
AHEAD = 2.0
"""A step of the media's own time beyond this is a hole in it, which is not waited out."""


@dataclass(slots=True)
class Pace:
    """Says how long to wait with a packet."""

    _anchor: float | None = None
    _last: float = 0.0

    def wait(self, media: float, now: float) -> float:
        """Give the seconds until a packet of this media time is due at `now` (monotonic)."""
        if self._anchor is None:
            self._anchor = now - media
        elif media - self._last > AHEAD:
            self._anchor -= media - self._last
        self._last = max(self._last, media)
        late = now - self._anchor - media
        if late > LATE:
            self._anchor += late
        return max(0.0, -late)
