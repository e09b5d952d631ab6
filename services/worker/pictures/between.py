"""Decodes what lies between two keyframes, as it comes, with one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.packet import Packet

from services.worker.pictures.still import opened
from services.worker.pictures.tail import Ring, Segments, Tail, TailFrame
from services.worker.pictures.transport_stream import TICKS_PER_SECOND

TURN_SECONDS = 0.1
"""How long one turn may take: packets and commands wait meanwhile."""
EARLY_SECONDS = 0.002
"""A frame that is early by less than this is the one that is due."""
WHOLE_FRAMES = 16
"""Of the newest frames so many are decoded whatever they are: of those before them, only what others refer to."""
_TICK = Fraction(1, TICKS_PER_SECOND)

Picture = tuple[float, av.VideoFrame]


class Between:
    """Follows the newest file of a run from one keyframe on; `codec` is the decoder's name."""

    def __init__(self, codec: str, files: Segments | Ring, keyframe: float, alive: Callable[[], None]) -> None:
        """Begin at the keyframe whose PTS is given (s); `alive` is called while a decode goes on."""
        self._codec = opened(codec)
        self._tail = Tail(files, keyframe)
        self._alive = alive
        self._since = keyframe
        self._waiting: list[TailFrame] = []
        self.has_shown = False
        """Whether a picture came out: it does not where a keyframe is but the beginning of a refresh."""

    def close(self) -> None:
        """Follow no longer."""
        self._tail.close()

    def first_from(self, due: float) -> tuple[Picture | None, bool]:
        """Decode what has come, for TURN_SECONDS at the most.

        Give the first picture that is not before `due` (PTS, s), and whether there is more to decode already.
        """
        until = time.monotonic() + TURN_SECONDS
        for coded in self._coming():
            is_early = coded.pts < due - EARLY_SECONDS
            for picture in self._decoded(coded, skip=is_early):
                self.has_shown = True
                if picture[0] >= max(due, self._since) - EARLY_SECONDS:
                    return picture, True
            if time.monotonic() >= until:
                return None, True
        return None, False

    def newest(self) -> Picture | None:
        """Decode all that has come and give the newest picture of it; nothing can be decoded after that."""
        coming = list(self._coming())
        pictures = [
            picture
            for number, coded in enumerate(coming)
            for picture in self._decoded(coded, skip=number < len(coming) - WHOLE_FRAMES)
        ]
        pictures += map(_timed, self._codec.decode(None))
        return max(pictures, key=lambda picture: picture[0], default=None)

    def _coming(self) -> Iterator[TailFrame]:
        """Give what has come and is not decoded yet."""
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            self._waiting = self._tail.read()
            if not self._waiting:
                return

    def _decoded(self, coded: TailFrame, *, skip: bool) -> list[Picture]:
        """Decode one frame; with `skip` not if no other refers to it."""
        self._alive()
        self._codec.skip_frame = "NONREF" if skip else "DEFAULT"
        packet = Packet(coded.data)
        packet.time_base, packet.pts = _TICK, round(coded.pts * TICKS_PER_SECOND)
        return list(map(_timed, self._codec.decode(packet)))


def _timed(frame: av.VideoFrame) -> Picture:
    """Give a frame with its PTS (s): all that goes in has one."""
    return (frame.pts or 0) / TICKS_PER_SECOND, frame
