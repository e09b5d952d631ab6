"""Makes of a frame what is kept of it: the picture in its own size, in others, and what it was judged to be."""

from __future__ import annotations

import time
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from services.domain import keys, picture_note, sprites, times
from services.domain.artifact import FROZEN
from services.domain.capture import ImagePlan
from services.domain.sprites import TILE_WIDTH, tile_height
from services.worker.pictures.exif import stamped
from services.worker.pictures.jpeg import JpegEncoder
from services.worker.pictures.judging import Judge, Verdict

HEARTBEAT_SECONDS = 300.0
"""Of pictures that show the same one is kept so often: who looks sees that the stream is alive and what it shows."""
TILE_QUALITY = 80
_ASPECTS = (Fraction(1, 4), Fraction(4))
"""Pixels of another shape than these are a mistake of the stream's: a picture is not blown up by them."""


class Maker:
    """Writes pictures into a folder, whole or not at all, the other sizes before the picture itself.

    `unchanged` counts those that were left out because they show what the one before them shows.
    """

    def __init__(self, folder: Path, images: ImagePlan, session_id: str, *, aspect: Fraction | None = None) -> None:
        """Write into `folder`; a pixel is `aspect` times as wide as high (None: as wide)."""
        self._folder = folder
        self._images = images
        self._session_id = session_id
        usable = aspect is not None and _ASPECTS[0] <= aspect <= _ASPECTS[1]
        self._aspect = aspect if aspect is not None and usable else Fraction(1)
        self._judge = Judge()
        self._source: tuple[int, int] | None = None
        self._encoders: list[JpegEncoder] = []
        self._tile: JpegEncoder | None = None
        self._kept: float | None = None
        self._count = 0
        self.unchanged = 0

    def change(self, images: ImagePlan) -> None:
        """Make pictures by other settings from now on; what they are compared with stays."""
        if (images.quality, images.sizes) != (self._images.quality, self._images.sizes):
            self._source = None
        self._images = images

    def make(
        self, frame: av.VideoFrame, pts: float, captured_at: float, *, is_asked: bool = False
    ) -> dict[str, Any] | None:
        """Write the picture at `pts` (s), captured at `captured_at` (epoch s), and give what is to be said of it.

        None: it shows what the one before it shows, and such are left out; one that `is_asked` for never is.
        """
        verdict = self._judge.judge(frame)
        if FROZEN in verdict.flags and not is_asked and self._may_skip(pts):
            self.unchanged += 1
            return None
        self._kept = pts
        self._fit(frame)
        return self._written(frame, times.utc(captured_at), verdict)

    def _written(self, frame: av.VideoFrame, moment: datetime, verdict: Verdict) -> dict[str, Any]:
        self._count += 1
        name = f"picture-{time.time_ns()}-{self._count:06d}.jpg"
        own, *others = self._encoders
        named = [(keys.resized(name, encoder.width), encoder) for encoder in others]
        bodies = {each: stamped(encoder.encode(frame), moment, self._session_id) for each, encoder in named}
        tile = {sprites.tile_of(name): self._tile.encode(frame)} if self._tile and self._images.tiles else {}
        made = [(encoder.width, encoder.height, bodies[each]) for each, encoder in named]
        note = picture_note.encoded(verdict.flags, verdict.phash, made)
        _write(self._folder, {**tile, **bodies, name: stamped(own.encode(frame), moment, self._session_id, note)})
        return {
            "file": name,
            "width": own.width,
            "height": own.height,
            "flags": list(verdict.flags),
            "phash": verdict.phash,
            "sizes": [{"file": each, "width": encoder.width, "height": encoder.height} for each, encoder in named],
        }

    def _may_skip(self, pts: float) -> bool:
        is_recent = self._kept is not None and pts - self._kept < HEARTBEAT_SECONDS
        return self._images.skip_unchanged and is_recent

    def _fit(self, frame: av.VideoFrame) -> None:
        """Open encoders for the frame's own size, in square pixels, and for all narrower ones that are wanted."""
        if self._source == (frame.width, frame.height):
            return
        self._source = (frame.width, frame.height)
        width, height = _squared(frame.width, frame.height, self._aspect)
        sizes = [(width, height)]
        sizes += [(each, _even(Fraction(each * height, width))) for each in self._images.sizes if each < width]
        self._encoders = [JpegEncoder(*size, self._images.quality) for size in sizes]
        self._tile = JpegEncoder(TILE_WIDTH, tile_height(width, height), TILE_QUALITY)


def _squared(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Give the size in square pixels that loses none of them."""
    if aspect > 1:
        return _even(width * aspect), height
    if aspect < 1:
        return width, _even(height / aspect)
    return width, height


def _even(length: Fraction) -> int:
    return max(2, 2 * round(length / 2))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files under hidden names, then give them their own in this order; raise OSError with none of them left."""
    parts = {folder / f".{name}": folder / name for name in files}
    try:
        for part, body in zip(parts, files.values(), strict=True):
            part.write_bytes(body)
        for part, path in parts.items():
            part.rename(path)
    except OSError:
        for path in (*parts, *parts.values()):
            path.unlink(missing_ok=True)
        raise
