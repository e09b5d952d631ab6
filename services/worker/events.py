"""What a running capture tells its worker; media times are seconds on the part's own clock (PTS)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.domain.artifact import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """Media arrives: PTS 0 is at `anchor` (epoch seconds), the first packet at `first`."""

    anchor: float
    first: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSeen:
    """The tap's video is `{codec, width, height}`, or None where there is none."""

    video: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClosed:
    """A file is whole; it spans `start` to `end`."""

    kind: Kind
    path: Path
    start: float
    end: float
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecodable:
    """A picture was due and could not be decoded."""

    pts: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSeen:
    """Media has arrived up to this time."""

    pts: float


CaptureEvent = ClockSet | VideoSeen | FileClosed | Undecodable | MediaSeen
