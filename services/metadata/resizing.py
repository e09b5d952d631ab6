"""A stored picture in another width: made when it is asked for, a few at a time, and kept for the next who asks."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import Query
from PIL import Image

from services.domain.channel import IMAGE_WIDTH
from services.metadata.picture_cache import PictureCache
from services.metadata.problem import Problem, field_problem

MOST_BYTES = 16 * 2**20
"""A larger picture is not even read."""
TOO_LARGE = "this picture is too large to be resized; leave it out"
MOST_PIXELS = 50_000_000  # an 8K picture has 33 million
AT_ONCE = 2
MOST_WAITING = 8
"""So many requests wait for a turn, each holding a thread of the service; who comes then is sent away."""
WAIT_SECONDS = 2.0
CACHE_BYTES = 64 * 2**20
QUALITY = 85  # percent

Image.MAX_IMAGE_PIXELS = None  # Pillow would only warn; `_shrunk` refuses, before anything is decoded

Width = Annotated[
    int | None,
    Query(
        ge=int(IMAGE_WIDTH.low),
        le=int(IMAGE_WIDTH.high),
        description="Of a picture: in this width (pixels), or in its own where that is smaller",
    ),
]


def refused(problem: str) -> Problem:
    """Give the 422 for a width that cannot be had."""
    return Problem.invalid([field_problem("width", problem)])


@dataclass(slots=True, kw_only=True)
class Resizer:
    """Resizes JPEGs for the threads of a service; a picture is never enlarged."""

    cache: PictureCache = field(default_factory=lambda: PictureCache(limit=CACHE_BYTES))
    wait_seconds: float = WAIT_SECONDS
    _turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    _places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)
    )

    def resized(self, source: str, read: Callable[[], bytes], width: int) -> bytes:
        """Give the picture that `read` gives in a width; `source` names its content.

        Raise a Problem: 503 where too many ask at once, 422 for what is no picture or too large.
        """
        kept = self.cache.get(source, width)
        if kept is not None:
            return kept
        with self._turn():
            kept = self.cache.get(source, width)  # made while this one waited
            if kept is None:
                kept = _shrunk(read(), width)
                self.cache.put(source, width, kept)
            return kept

    @contextmanager
    def _turn(self) -> Iterator[None]:
        busy = Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "too many pictures are being resized; try again, or leave `width` out",
            headers={"Retry-After": "1"},
        )
        if not self._places.acquire(blocking=False):
            raise busy
        try:
            if not self._turns.acquire(timeout=self.wait_seconds):
                raise busy
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _shrunk(body: bytes, width: int) -> bytes:
    try:
        with Image.open(io.BytesIO(body), formats=("JPEG",)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise refused(TOO_LARGE)
            return body if picture.width <= width else _encoded(picture, width)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a broken file
        raise refused("this object cannot be read as a picture; leave it out") from error


def _encoded(picture: Image.Image, width: int) -> bytes:
    size = (width, max(1, round(picture.height * width / picture.width)))
    exif = picture.info.get("exif", b"")  # tells when it was taken, in every size
    picture.draft(None, size)  # decodes no more of it than is needed
    made = io.BytesIO()
    shown = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    shown.resize(size, Image.Resampling.LANCZOS).save(made, "JPEG", quality=QUALITY, exif=exif)
    return made.getvalue()
