"""When a picture is due and whether to wait for the next keyframe: pure, on the media clock in seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

PATIENCE_SECONDS = 0.25
BEGIN_AT = 0.75
"""How far on the way from a keyframe to the picture that is due its decoding begins: what came before is caught up with
at four times the stream's speed, and for a keyframe that comes sooner nothing was decoded in vain."""
A_FRAME = 0.05
"""By how much a GOP may be longer than the interval and still count as no longer."""
PACED = 10
"""Over how many steps from picture to picture the achieved interval is taken."""


class Look(Enum):
    """What to do with a packet."""

    PASS = "pass"  # noqa: S105 - no password
    DECODE_KEYFRAME = "decode keyframe"
    DECODE_UP_TO_HERE = "decode up to here"


@dataclass(slots=True, kw_only=True)
class Schedule:
    """Keeps pictures on a grid of `interval` seconds from the first one on, keyframes preferred.

    `last` is the PTS from which the grid goes on: of the last picture before this schedule began, if there was one.
    """

    interval: float | None
    last: float | None = None
    _due: float | None = None
    _keyframe: float | None = None
    _gop: float | None = None
    _is_changed: bool = False
    _is_blank: bool = False
    _taken: deque[float] = field(default_factory=lambda: deque(maxlen=PACED + 1))

    def look(self, pts: float, is_keyframe: bool) -> Look:  # noqa: FBT001 - a claim about the packet
        """Say what to do with the packet at `pts`."""
        if is_keyframe:
            if self._keyframe is not None and pts > self._keyframe:
                self._gop = pts - self._keyframe
            self._keyframe, self._is_blank = pts, False
        if self.interval is None:
            return Look.PASS
        if self._due is None:
            self._due = pts if self.last is None else self.last + self.interval
            if self._is_changed and self._due < pts:
                self._due = pts
        if is_keyframe:
            # A keyframe a frame's length early is the one that was meant.
            return Look.DECODE_KEYFRAME if pts >= self._due - 0.05 * self.interval else Look.PASS
        return Look.DECODE_UP_TO_HERE if pts >= self._due and pts > self._keyframe_by() else Look.PASS

    def between(self) -> tuple[float, float] | None:
        """Give when to begin to decode from the last keyframe on and when the picture is due that this is for.

        Where keyframes come as often as pictures are due they alone are taken, and what is between only where one is
        late. None where no picture is due.
        """
        if self.interval is None or self._due is None or self._keyframe is None:
            return None
        if self._is_blank:
            return self._keyframe, self._due
        begin = max(self._keyframe + BEGIN_AT * (self._due - self._keyframe), self._keyframe_by())
        if self._gop is not None and self._gop <= self.interval + A_FRAME:
            begin = max(begin, self._keyframe + self._gop + PATIENCE_SECONDS)
        return begin, self._due

    def blank(self) -> None:
        """Note that the last keyframe is no picture by itself: what comes after it is."""
        self._is_blank = True

    def change(self, interval: float | None) -> None:
        """Keep another interval from now on: the next picture is due so long after the last one, or at once."""
        if interval == self.interval:
            return
        self.interval, self._due, self._is_changed = interval, None, True
        self._taken.clear()

    def place(self, pts: float) -> float | None:
        """Give the place on the grid of a picture at `pts`, None where none is due."""
        if self.interval is None or self._due is None:
            return None
        return self._due + max(0.0, (pts - self._due) // self.interval) * self.interval

    def taken(self, pts: float) -> None:
        """Note that the picture that was due is made, or cannot be; the next is due on the grid."""
        place = self.place(pts)
        if self.interval is None or place is None:
            return
        self._due = place + self.interval
        self.last = pts
        self._taken.append(pts)

    def achieved(self) -> float | None:
        """Give the mean of the last steps from picture to picture, None before there was one."""
        steps = len(self._taken) - 1
        return (self._taken[-1] - self._taken[0]) / steps if steps > 0 else None

    def _keyframe_by(self) -> float:
        """Give until when the next keyframe is waited for: it may come in time for the picture that is due.

        One that is late is waited for no longer: a GOP may grow.
        """
        if self._keyframe is None or self._gop is None or self._due is None or self.interval is None:
            return float("-inf")
        expected, patience = self._keyframe + self._gop, min(PATIENCE_SECONDS, 0.25 * self.interval)
        return expected + patience if expected <= self._due + patience else float("-inf")
