"""The files that a run's ffmpeg writes as it goes and that the picture child reads behind it: names alone, no I/O."""

from __future__ import annotations

from enum import StrEnum

SEGMENT_PATTERN = "segment-%09d.ts"
RING_PATTERN = "tail-%d.ts"
RING_FILES = 3
"""The file being written, the one before it for whoever still reads that, and one to spare."""
RING_SECONDS = 1


class TailKind(StrEnum):
    """Where the newest packets are found: in the segments, or in a ring of files that wraps where there are none."""

    SEGMENTS = "segments"
    RING = "ring"
