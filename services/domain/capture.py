"""The capture plan: what a worker shall do for a channel, and which changes need a new part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.domain.channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlan:
    """What ffmpeg is started with: a change here means a new ffmpeg, and so a new part. Times are seconds.

    `cuts_anywhere` is for a stream that has no keyframes to cut at.
    """

    recording_seconds: float | None
    segment_seconds: float | None
    cuts_anywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """How pictures are taken and kept: `seconds` apart (None: none), `quality` in percent, `sizes` as widths in pixels.

    With `tiles` a small one comes with each, for the session's sprite sheets.

    Every change applies to a running capture without a new ffmpeg.
    """

    seconds: float | None
    quality: int
    sizes: tuple[int, ...] = ()
    skip_unchanged: bool = False
    tiles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlan:
    """All that a worker takes from its channel; what is not in `media` changes while it runs. Times are seconds."""

    media: MediaPlan
    images: ImagePlan
    hls_list_size: int
    is_live: bool
    is_on_demand: bool
    reconnect_window: timedelta

    @property
    def image_seconds(self) -> float | None:
        """The time between two pictures, None where none are taken."""
        return self.images.seconds

    def outputs(self) -> tuple[str, ...]:
        """Name the outputs that are on, as gaps do."""
        on = {
            "snapshots": self.image_seconds,
            "recordings": self.media.recording_seconds,
            "hls": self.media.segment_seconds,
        }
        return tuple(name for name, seconds in on.items() if seconds is not None)


def plan(channel: Channel) -> CapturePlan:
    """Derive the plan from a channel's settings; an output that is off has None for its time."""
    return CapturePlan(
        media=MediaPlan(
            recording_seconds=channel.video_time if channel.is_video else None,
            segment_seconds=channel.hls_time if channel.is_hls or channel.is_on_demand else None,
        ),
        images=ImagePlan(
            seconds=channel.image_time if channel.is_image else None,
            quality=channel.image_quality,
            sizes=channel.image_sizes,
            skip_unchanged=channel.image_skip_unchanged,
            tiles=channel.is_on_demand,
        ),
        hls_list_size=channel.hls_list_size,
        is_live=channel.is_hls,
        is_on_demand=channel.is_on_demand,
        reconnect_window=timedelta(seconds=channel.reconnect_window),
    )
