"""What a running capture tells its worker; media times are seconds on the part's own clock (PTS)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.domain.artifact import Kind

SAME_CLOCK_SECONDS = 0.9
"""By how much what a picture says of its time may differ from its part's clock, which may have been moved since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """Media arrives: PTS 0 is at `anchor` (epoch seconds), the first packet at `first`.

    `first_keyframe` is given where the run began before `first`, and what is before that is of another part; of some
    kinds it may be what is before their place in `begins` (PTS, s). `digest` is the first keyframe's, if it is known.
    """

    anchor: float
    first: float
    first_keyframe: float | None = None
    begins: Mapping[Kind, float] = field(default_factory=dict)
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSeen:
    """The tap's video is `{codec, width, height}`, or None where there is none."""

    video: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedFile:
    """A picture in another size (pixels), whole before the picture is told of."""

    path: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClosed:
    """A file is whole; it spans `start` to `end` by its video, or by its sound where it has no video.

    `is_first` says that no file of its kind came before it in this run, and `waited` how long after the one before it
    this one was closed (s, wall clock): where that is far from its length, the length is not the whole truth.
    What lies before `cut_from` and what lies from `cut_to` on, seconds after the file's first keyframe, is of another
    part: `start` and `end` leave it out already, and it is cut off before the file ships.
    A picture was judged to be `flags` (of domain.artifact.FLAGS), has a perceptual hash (`phash`, hex), and lies there
    in other `sizes`, narrowest first; by what it says of itself PTS 0 was at `anchor` (epoch s).
    """

    kind: Kind
    path: Path
    start: float
    end: float
    is_first: bool = False
    waited: float = 0.0
    anchor: float | None = None
    width: int | None = None
    height: int | None = None
    flags: tuple[str, ...] = ()
    phash: str | None = None
    sizes: tuple[SizedFile, ...] = ()
    cut_from: float | None = None
    cut_to: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyframeSeen:
    """A keyframe arrived, `at` epoch seconds; its `digest` is the same wherever the same stream is captured.

    It says of the media's clock what MediaSeen does.
    """

    pts: float
    at: float
    digest: str
    drift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecodable:
    """A picture was due and could not be decoded."""

    pts: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSeen:
    """Media has arrived up to this time; its clock is `drift` seconds ahead of time by now, or behind."""

    pts: float
    drift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceSeen:
    """The time from picture to picture: as `asked` for, and the mean of the last ones (s)."""

    asked: float
    achieved: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureUnchanged:
    """A picture was due and is left out: it shows what the one before it shows."""

    pts: float


JUMPED = "timestamps_jumped"
"""Why a run is replaced whose media's times went forward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutgrown:
    """The running ffmpeg cannot give all that is wanted, and is to be replaced; `why` is for the log.

    The next one has to cut `anywhere` and needs all packets in its tap, since no keyframes come. What the present one
    brings from `until` on (PTS, s) is good for nothing. `late` is the kind of a stream that came after ffmpeg had begun
    to write.
    """

    why: str
    anywhere: bool = False
    until: float | None = None
    late: str | None = None


CaptureEvent = (
    ClockSet
    | VideoSeen
    | FileClosed
    | KeyframeSeen
    | Undecodable
    | MediaSeen
    | PaceSeen
    | PictureUnchanged
    | RunOutgrown
)
