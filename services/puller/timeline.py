"""The time line that is published: a source's timestamps, carried on over their jumps. All times are microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

SECOND = 1_000_000
AHEAD = 10 * SECOND
"""A step forward of no more than this, and the time that passed meanwhile, is a pause of the source's and kept."""
BACK = SECOND
FIRST_BACK = 5 * SECOND
"""How far a stream's first packet may lie behind what other streams have brought."""
TICK = 1_000  # FLV counts milliseconds
FRAME = 40_000


@dataclass(slots=True)
class Timeline:
    """Gives each packet's time from 0 on, rising in each stream.

    A jump (a playlist's discontinuity, an encoder's restart behind a relay, a clock that wraps) goes on where the line
    has come to, after as much time as has passed on the wall clock. Streams that jump one after the other stay
    together: the second takes the first one's new shift where that fits.
    """

    jumps: int = 0
    _shift: int | None = None
    _shifts: dict[int, int] = field(default_factory=dict)
    _last: dict[int, int] = field(default_factory=dict)
    _newest: int = 0
    _heard_at: int = 0

    def place(self, stream: int, dts: int, now: int) -> int | None:
        """Give a packet's time on the line; None for one from before it begins."""
        if self._shift is None:
            self._shift, self._heard_at = -dts, now
        elapsed = max(0, now - self._heard_at)
        self._heard_at = now
        shift = self._shift_of(stream, dts, self._shift, elapsed)
        self._shifts[stream] = shift
        last = self._last.get(stream)
        out = dts + shift if last is None else max(dts + shift, last + TICK)
        if out < 0:
            return None
        self._last[stream] = out
        self._newest = max(self._newest, out)
        return out

    def _shift_of(self, stream: int, dts: int, common: int, elapsed: int) -> int:
        for shift in (self._shifts.get(stream, common), common):
            if self._fits(stream, dts + shift, elapsed):
                return shift
        self.jumps += 1
        self._shift = self._newest + max(FRAME, elapsed) - dts
        return self._shift

    def _fits(self, stream: int, out: int, elapsed: int) -> bool:
        last = self._last.get(stream)
        earliest = self._newest - FIRST_BACK if last is None else last - BACK
        return earliest <= out <= self._newest + AHEAD + elapsed
