"""The artifact: one media object that a session made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The three outputs."""

    SNAPSHOT = "snapshot"
    RECORDING = "recording"
    SEGMENT = "segment"


OUTPUTS = {Kind.SNAPSHOT: "snapshots", Kind.RECORDING: "recordings", Kind.SEGMENT: "hls"}
"""What channels, gaps and retention call each kind."""

BLACK, FROZEN = "black", "frozen"
FLAGS = (BLACK, FROZEN)
"""What a picture may be judged to be: dark all over; the same as the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A picture in another size (pixels), made by the same decode; it lies whole in the store before its picture."""

    key: str
    width: int
    height: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One object that lies whole in the store.

    `captured_at` is the first picture's time by the media clock and `seconds` the length (0 for a snapshot);
    `part` counts the connections of the session from 0. A segment has its `media_sequence` and
    `discontinuity_sequence`, a snapshot its `width` and `height` in pixels,
    what it was judged to be (`flags`, of FLAGS), its perceptual hash (`phash`, hex), and its other `sizes`, narrowest
    first.
    """

    kind: Kind
    key: str
    captured_at: datetime
    bytes: int
    sha256: str
    part: int
    seconds: float = 0.0
    width: int | None = None
    height: int | None = None
    flags: tuple[str, ...] = ()
    phash: str | None = None
    sizes: tuple[Rendition, ...] = ()
    media_sequence: int | None = None
    discontinuity_sequence: int | None = None
