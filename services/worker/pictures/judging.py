"""Judges a picture by a small gray version of it: is it black, is it the one before it again, what does it show."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.video.reformatter import Interpolation, VideoReformatter

from services.domain.artifact import BLACK, FROZEN

COLUMNS, ROWS = 72, 45
"""The small version: each of its cells is the mean of many pixels, 27 x 24 at 1080p, in which noise is lost."""
HASH_SIZE = 8
_HASH_EDGE = HASH_SIZE + 1

DARK_LEVEL = 25
"""A cell is dark up to a tenth of the scale of 0 to 255, as in ffmpeg's blackdetect: noise and video that is marked
with the wrong range (whose black is 16) stay below it."""
DARK_SHARE = 0.98
"""A picture is black where so many of its cells are dark, as in ffmpeg's blackdetect: a title on black is not black."""
SAME_MEAN_LEVELS = 1.5
SAME_CELL_LEVELS = 12
"""Two pictures are the same when their cells differ by no more than this in the mean and each.

Measured between keyframes of x264 at 0.3 to 1 Mb/s: a still with camera noise differs by 0.3 to 1.2 in the mean and 3
to 6 in its worst cell, up to 9 at 320 x 180, where a cell has few pixels; a slow zoom by 2 to 4 and 14 to 21, a moving
picture by 120 and more in its worst cell. Digits of a clock in a corner, 36 of 720 pixels high, are on the edge.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a picture was judged to be (`flags`, of domain.artifact.FLAGS), and its perceptual hash (hex).

    The hash is dhash's of 128 bits: two pictures of the same are a few bits apart, two of anything about 64.
    """

    flags: tuple[str, ...]
    phash: str


class Judge:
    """Judges pictures one after the other.

    A picture is compared with the last one that was not frozen, so that what changes slowly is seen to have changed.
    """

    def __init__(self) -> None:
        """Begin with nothing to compare the first picture with."""
        self._small, self._tiny = VideoReformatter(), VideoReformatter()
        self._before: bytes | None = None

    def judge(self, frame: av.VideoFrame) -> Verdict:
        """Judge the next picture."""
        small = self._small.reformat(frame, COLUMNS, ROWS, "gray", interpolation=Interpolation.AREA)
        cells = _pixels(small)
        flags = [BLACK] if is_black(cells) else []
        if self._before is not None and is_same(self._before, cells):
            flags.append(FROZEN)
        else:
            self._before = cells
        return Verdict(tuple(flags), self._hash(small))

    def _hash(self, small: av.VideoFrame) -> str:
        # Not before the first picture: the child tells the time first.
        from dhash import dhash_row_col, format_hex  # type: ignore[import-untyped] # noqa: PLC0415

        # By the filter that the library itself would use: who hashes the JPEG is 1 to 3 bits away.
        tiny = self._tiny.reformat(small, _HASH_EDGE, _HASH_EDGE, "gray", interpolation=Interpolation.LANCZOS)
        return str(format_hex(*dhash_row_col(list(_pixels(tiny)), HASH_SIZE), HASH_SIZE))


def is_black(cells: bytes) -> bool:
    """Say whether a picture is dark all over."""
    return sum(cell <= DARK_LEVEL for cell in cells) >= DARK_SHARE * len(cells)


def is_same(one: bytes, other: bytes) -> bool:
    """Say whether two pictures show the same."""
    apart = [abs(a - b) for a, b in zip(one, other, strict=True)]
    return max(apart) <= SAME_CELL_LEVELS and sum(apart) <= SAME_MEAN_LEVELS * len(apart)


def _pixels(gray: av.VideoFrame) -> bytes:
    """Give a gray frame's pixels without what pads its lines."""
    plane = gray.planes[0]
    body, step = bytes(plane), plane.line_size
    return b"".join(body[at : at + gray.width] for at in range(0, step * gray.height, step))
