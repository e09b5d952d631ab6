"""What was measured of one live channel, and what its settings make of it.

`python -m tests.bench requests` measures the requests again: a real capture with a channel's default settings.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.domain.channel import HLS_TIME

MEGABITS = 6.0
"""Of a 1080p publisher with its sound, a second."""
GIGABYTES_PER_HOUR = MEGABITS * 3600 / 8 / 1000

PUTS_PER_MINUTE: Mapping[str, float] = {
    "HLS segments": 30.0,
    "live.m3u8": 30.2,
    "manifest head": 12.0,
    "snapshots": 6.2,
    "latest.jpg": 6.2,
    "vod.m3u8": 6.0,
    "recordings": 1.0,
    "sprite sheets": 0.8,
    "sprites.vtt": 0.8,
    "manifest chunks": 0.5,
}
"""By kind of object, at the default settings; over 4 minutes, on 2026-11-20."""
WITH_EACH_SEGMENT = ("HLS segments", "live.m3u8")
"""Those that come once a segment."""
OF_HLS = (*WITH_EACH_SEGMENT, "vod.m3u8")
DYNAMODB_WRITES_PER_MINUTE = 38.0
"""Units: 19 rows were written, some of over 1 KB, some of which an index repeats; each is counted twice."""
DYNAMODB_READ_UNITS_PER_MINUTE = 122.0
LOG_BYTES_PER_HOUR = 1_000_000.0
"""Estimated: a line of metrics a minute, and what happens."""


def puts_per_minute(hls_time: float = HLS_TIME.default) -> dict[str, float]:
    """Give how many requests put objects of each kind with segments so long."""
    less = HLS_TIME.default / hls_time
    return {kind: each * (less if kind in WITH_EACH_SEGMENT else 1) for kind, each in PUTS_PER_MINUTE.items()}
