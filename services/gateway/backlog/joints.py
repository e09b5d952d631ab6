"""How recordings of one connection follow each other in time: nginx lets each begin at 0 again.

At a joint nothing is missing, so the sound goes on after as long as a packet of it lasts, and the video after a frame.
A line through the times on each side says when the next packet was due, to less than the ms in which times are told.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.flv import SOUND, VIDEO
from services.gateway.backlog.outline import Outline

_SPREAD_MS = 2.5
"""So far apart may the times of a steady track be from a line: they are cut to ms, some encoders' twice."""
_FEWEST = 6
_CLAMPED_MOST = 4
"""Packets that come behind a recording's first, although they are earlier, are told as at 0: some of the sound."""


def step_between(before: Outline, after: Outline, elapsed_ms: float) -> int:
    """Give how much later (ms) `after`'s first packet is than `before`'s, on the publisher's clock.

    `elapsed_ms` is how much later it arrived: it counts where neither sound nor video is steady.
    """
    due = _due_by_sound(before, after)
    if due is None:
        due = _due_by_video(before)
    pictures = before.times(VIDEO, at_end=True)
    return max(round(elapsed_ms if due is None else due), pictures[-1] if pictures else 0)


def _due_by_sound(before: Outline, after: Outline) -> float | None:
    """Give the step that lets the sound go on without a hole; None where it is not steady on both sides."""
    earlier, later = before.times(SOUND, at_end=True), after.times(SOUND)
    if len(earlier) < _FEWEST:
        return None
    frame = before.sound_frame or _mean_frame(earlier)
    ends, begins = _end(earlier, frame), _beginning(later, frame)
    return None if ends is None or begins is None else ends - begins


def _due_by_video(before: Outline) -> float | None:
    """Give when the next frame was due, the keyframe that the next recording begins with; None if it is not steady."""
    earlier = before.times(VIDEO, at_end=True)
    return _end(earlier, _mean_frame(earlier)) if len(earlier) >= _FEWEST else None


def _end(times: Sequence[int], frame: float) -> float | None:
    return _line(range(-len(times), 0), times, frame)


def _beginning(times: Sequence[int], frame: float) -> float | None:
    """Give when the first packet of a track was due: by those that follow it, where its own time may be clamped."""
    for clamped in range(min(len(times), 1 + _CLAMPED_MOST)):
        rest = times[clamped : clamped + _FEWEST]
        begins = _line(range(clamped, clamped + len(rest)), rest, frame)
        if begins is not None and rest[-1] > 0:
            return begins
    return None


def _mean_frame(times: Sequence[int]) -> float:
    return (times[-1] - times[0]) / (len(times) - 1)


def _line(numbers: Sequence[int], times: Sequence[int], frame: float) -> float | None:
    """Give the time of packet 0 where packets of these numbers have these times; None if they lie on no line."""
    zeros = [time - number * frame for number, time in zip(numbers, times, strict=True)]
    return sum(zeros) / len(zeros) if frame > 0 and max(zeros) - min(zeros) <= _SPREAD_MS else None
