"""What a source gives to the decoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


class Remote(Protocol):
    """A file of which parts can be fetched."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def read(self, offset: int, size: int) -> bytes:
        """Give at least one byte from `offset` on, at most `size`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Bytes in order, and which frame of them: `offset` seconds after the first, or None: the last keyframe.

    The first picture is `start` seconds into the source (None: it has no beginning) and was taken at `at`, if known.
    """

    pieces: Iterator[bytes]
    offset: float | None
    start: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file, and the moment in it."""

    remote: Remote
    at: float | Literal["random"] | None


Feed = Stream | File
