"""How far one address was published, over all tries to fetch it: what has ended is not published again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from services.adapters.hls_place import Place

_TELLING = ("content-length", "etag", "last-modified")


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says of a file, which is another as soon as any of it is; of a live stream it says nothing."""

    said: tuple[str | None, ...]

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self | None:
        """Read it from an answer's headers; None for a stream without an end."""
        said = tuple(headers.get(name) for name in _TELLING)
        return cls(said) if any(said) else None


@dataclass(slots=True)
class Progress:
    """Of a playlist the place behind what was published; of a file, which one it was; whether that is all there is.

    `is_known` False: an earlier life of this program published all there was, and what that was is still to be seen.
    """

    place: Place = field(default_factory=Place)
    file: Version | None = None
    is_over: bool = False
    is_known: bool = True
