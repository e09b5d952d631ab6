"""Encodes frames as JPEG in one size and quality, with one thread."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import PictureType
from av.video.reformatter import Interpolation, VideoReformatter

_TICK = Fraction(1, 1000)
_FORMAT = "yuvj420p"
_FINEST, _COARSEST, _MIDDLE = 1, 31, 14
_MIDDLE_PERCENT, _LOWEST_PERCENT, _HIGHEST_PERCENT = 50, 1, 100


def qscale(percent: int) -> int:
    """Give mjpeg's scale (1 the best, 31 the worst) for a quality of 1 to 100.

    From 50 on it is about what libjpeg means by the same number: mjpeg's matrix times 14/8 is as coarse as JPEG's own
    table, which is libjpeg's 50. Below that libjpeg's goes past what mjpeg can, so the rest is spread evenly.
    """
    if percent >= _MIDDLE_PERCENT:
        share = (_HIGHEST_PERCENT - percent) / (_HIGHEST_PERCENT - _MIDDLE_PERCENT)
        return max(_FINEST, round(_MIDDLE * share))
    share = (_MIDDLE_PERCENT - percent) / (_MIDDLE_PERCENT - _LOWEST_PERCENT)
    return round(_MIDDLE + (_COARSEST - _MIDDLE) * share)


class JpegEncoder:
    """Makes of frames of any size JPEGs of `width` x `height` pixels at a `quality` of 1 to 100."""

    def __init__(self, width: int, height: int, quality: int) -> None:
        """Open the encoder."""
        context = av.VideoCodecContext.create("mjpeg", "w")
        assert isinstance(context, av.VideoCodecContext)  # noqa: S101 - mjpeg is a video codec
        context.width, context.height = width, height
        context.pix_fmt = _FORMAT
        context.time_base = _TICK
        context.thread_count = 1
        scale = str(qscale(quality))
        context.options = {"qmin": scale, "qmax": scale}
        self.width, self.height = width, height
        self._context = context
        self._reformatter = VideoReformatter()  # one for all frames: it keeps the scaler's tables
        self._count = 0

    def encode(self, frame: av.VideoFrame) -> bytes:
        """Give the JPEG of a frame."""
        picture = self._reformatter.reformat(
            frame, self.width, self.height, _FORMAT, interpolation=self._interpolation(frame)
        )
        # The encoder refuses a B-picture's mark, and times that do not grow.
        picture.pict_type = PictureType.NONE
        self._count += 1
        picture.time_base, picture.pts = _TICK, self._count
        return b"".join(bytes(packet) for packet in self._context.encode(picture))

    def _interpolation(self, frame: av.VideoFrame) -> Interpolation:
        """Choose the scaler: the mean of the pixels where it shrinks a frame, which is right and cheap."""
        return Interpolation.AREA if self.width < frame.width else Interpolation.BICUBIC
