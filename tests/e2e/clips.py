"""The streams that the end-to-end tests publish; all 320x180 at 25 frames a second."""

from __future__ import annotations

from tests.media import RATE, Clip

WITH_SOUND = Clip(seconds=20)
NINE_SECONDS = Clip(seconds=9)
SORENSON = Clip(codec="flv1", seconds=12, b_frames=0)
VIDEO_ONLY = Clip(sound=False, seconds=5)
VERY_LONG_GOP = Clip(seconds=30, gop_seconds=28)
AUDIO_ONLY = Clip(codec=None, seconds=12)
LATE_VIDEO = Clip(seconds=12, video_after=3)
LONG_GOP = Clip(seconds=12, gop_seconds=10)
GROWING_GOP = Clip(seconds=14, gop_seconds=30, keyframes=(0, 2, 4, 11))

__all__ = [
    "AUDIO_ONLY",
    "GROWING_GOP",
    "LATE_VIDEO",
    "LONG_GOP",
    "NINE_SECONDS",
    "RATE",
    "SORENSON",
    "VERY_LONG_GOP",
    "VIDEO_ONLY",
    "WITH_SOUND",
]
