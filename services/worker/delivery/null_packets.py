"""Null packets behind a segment of a few TS packets: with so few FFmpeg takes it for something else.

A segment of 0.1 s, as where a publisher leaves right behind a keyframe, may be 10 packets long. Below 2040 bytes FFmpeg
finds a program stream in it: whoever opens it by itself reads torn pictures and no sound, and FFmpeg's players refuse a
playlist that begins with it.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from services.worker.delivery.parcel import size
from services.worker.pictures.transport_stream import PACKET_BYTES

log = structlog.get_logger()

KNOWN_PACKETS = 12
"""FFmpeg is sure of MPEG-TS from 11 times 204 bytes on: it reckons with packets that carry error correction."""
_NULL_PACKET = b"\x47\x1f\xff\x10" + b"\xff" * (PACKET_BYTES - 4)
"""Of PID 0x1FFF: every reader passes over it (ISO/IEC 13818-1, table 2-3)."""


def fill_up(path: Path) -> None:
    """Let a segment be known by its bytes as what it is; one that cannot be written to stays as it is."""
    missing = KNOWN_PACKETS - size(path) // PACKET_BYTES
    if missing <= 0:
        return
    try:
        with path.open("r+b") as file:  # never one that is gone
            file.seek(0, 2)
            file.write(_NULL_PACKET * missing)
    except OSError as error:
        log.warning("segment_not_filled_up", file=path.name, error=error.strerror)
