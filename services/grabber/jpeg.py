"""One frame as JPEG, in the shape in which it is shown."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import PictureType

QUALITY = "3"  # mjpeg's scale: 2 the best, 31 the worst
_TICK = Fraction(1, 1000)


def shown_size(width: int, height: int, aspect: Fraction | None, wanted: int | None) -> tuple[int, int]:
    """Give the size of a picture with square pixels, even, `wanted` wide or less: nothing is enlarged."""
    shown = width * float(aspect) if aspect else float(width)
    scale = min(1.0, wanted / shown) if wanted else 1.0
    return max(2, round(shown * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def jpeg(frame: av.VideoFrame, wanted: int | None) -> tuple[bytes, int, int]:
    """Give the JPEG of a frame, its width and its height in pixels."""
    width, height = shown_size(frame.width, frame.height, _aspect(frame), wanted)
    picture = frame.reformat(width=width, height=height, format="yuvj420p", threads=1)
    picture.pict_type = PictureType.NONE  # the encoder refuses a B-picture's mark
    picture.time_base, picture.pts = _TICK, 0
    context = av.VideoCodecContext.create("mjpeg", "w")
    if not isinstance(context, av.VideoCodecContext):
        raise TypeError("mjpeg is a video codec")
    context.width, context.height, context.pix_fmt = width, height, "yuvj420p"
    context.time_base = _TICK
    context.thread_count = 1
    context.options = {"qmin": QUALITY, "qmax": QUALITY}
    body = b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])
    return body, width, height


def _aspect(frame: av.VideoFrame) -> Fraction | None:
    """Give how wide a pixel is for its height; None for square ones, and for what is no sensible ratio."""
    aspect: Fraction | None = getattr(frame, "sample_aspect_ratio", None)
    return aspect if aspect and Fraction(1, 4) <= aspect <= 4 and aspect != 1 else None  # noqa: PLR2004 - wide
