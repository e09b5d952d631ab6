"""When a picture is due and whether to wait for the next keyframe: pure, on the media clock in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PATIENCE_SECONDS = 0.25
STARVED_INTERVALS = 1.5
"""A tap of all packets takes a new ffmpeg: not for an encoder whose GOP is a little longer than the interval."""


class Look(Enum):
    """What to do with a packet."""

    PASS = "pass"  # noqa: S105 - no password
    DECODE_KEYFRAME = "decode keyframe"
    DECODE_UP_TO_HERE = "decode up to here"


@dataclass(slots=True, kw_only=True)
class Schedule:
    """Keeps pictures on a grid of `interval` seconds from the first one on, keyframes preferred.

    `last` is the PTS of the last picture taken before this schedule began, if any.
    """

    interval: float | None
    last: float | None = None
    _due: float | None = None
    _keyframe: float | None = None
    _gop: float | None = None
    _was_starved: bool = False

    def look(self, pts: float, is_keyframe: bool) -> Look:  # noqa: FBT001 - a claim about the packet
        """Say what to do with the packet at `pts`."""
        if is_keyframe:
            if self._keyframe is not None and pts > self._keyframe:
                self._gop = pts - self._keyframe
            self._keyframe = pts
        if self.interval is None:
            return Look.PASS
        if self._due is None:
            self._due = pts if self.last is None else self.last + self.interval
        if is_keyframe:
            # A keyframe a frame's length early is the one that was meant.
            return Look.DECODE_KEYFRAME if pts >= self._due - 0.05 * self.interval else Look.PASS
        return Look.DECODE_UP_TO_HERE if pts >= self._due and not self._keyframe_is_near(pts) else Look.PASS

    def is_starved(self, pts: float) -> bool:
        """Say, once, that the GOP is so much longer than the interval that keyframes alone cannot serve it."""
        if self.interval is None or self._keyframe is None or self._was_starved:
            return False
        self._was_starved = pts - self._keyframe > STARVED_INTERVALS * self.interval
        return self._was_starved

    def taken(self, pts: float) -> None:
        """Note that the picture that was due is made, or cannot be; the next is due on the grid."""
        if self.interval is None or self._due is None:
            return
        behind = pts - self._due
        steps = 1 + max(0, int(behind // self.interval))
        self._due += steps * self.interval

    def _keyframe_is_near(self, pts: float) -> bool:
        """Say whether the next keyframe comes soon enough after the picture is due to be waited for.

        One that is late is waited for no longer: a GOP may grow.
        """
        if self._keyframe is None or self._gop is None or self._due is None or self.interval is None:
            return False
        expected, patience = self._keyframe + self._gop, min(PATIENCE_SECONDS, 0.25 * self.interval)
        return expected <= self._due + patience and pts <= expected + patience
