"""Packets as ffmpeg's framecrc writes them: what a puller got can be compared with what was sent."""

from __future__ import annotations

from pathlib import Path

from tests.media import run

Packet = tuple[int, str]
"""Size in bytes and checksum: the same for the same packet, whatever its timestamps."""

VIDEO = "0"


def read(text: str) -> list[Packet]:
    """Give the video packets of a framecrc, in order; a line that is being written is left out."""
    found = []
    for line in text.splitlines(keepends=True):
        fields = [field.strip() for field in line.split(",")]
        if line.endswith("\n") and fields[0] == VIDEO and len(fields) >= 6:
            found.append((int(fields[4]), fields[5]))
    return found


def video_packets(media: Path) -> list[Packet]:
    """Give the video packets of a file."""
    return read(run(["ffmpeg", "-v", "error", "-i", media, "-c", "copy", "-f", "framecrc", "-"]).decode())


def first_video_packet(media: Path) -> Packet:
    return video_packets(media)[0]
