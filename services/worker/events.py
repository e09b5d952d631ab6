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
    """A file is whole; it spans `start` to `end` by its video, or by its sound where it has no video.

    `is_first` says that no file of its kind came before it in this run, and `waited` how long after the one before it
    this one was closed (s, wall clock): where that is far from its length, the length is not the whole truth.
    """

    kind: Kind
    path: Path
    start: float
    end: float
    is_first: bool = False
    waited: float = 0.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutgrown:
    """The running ffmpeg cannot give all that is wanted: a stream came late, or a GOP is longer than `image_time`."""

    all_packets: bool = False


CaptureEvent = ClockSet | VideoSeen | FileClosed | Undecodable | MediaSeen | RunOutgrown
