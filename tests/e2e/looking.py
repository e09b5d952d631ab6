"""Looks at what was made: ffprobe's reading of a file, and a picture's colours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def probe(path: Path | str) -> dict[str, Any]:
    """Give a file's streams by kind, its `format`, and `frames`: the number of video packets."""
    output = subprocess.check_output(
        ["ffprobe", "-v", "error", "-of", "json", "-count_packets", "-show_streams", "-show_format", str(path)]
    )
    found = json.loads(output)
    streams = {stream["codec_type"]: stream for stream in found["streams"]}
    return {**streams, "format": found["format"], "frames": int(streams.get("video", {}).get("nb_read_packets", 0))}


def decode_errors(path: Path | str) -> str:
    """Decode a file from its first to its last frame and give what ffmpeg complains of."""
    return subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=False,
    ).stderr


def mean_colour(path: Path) -> tuple[float, ...]:
    """Give a picture's mean red, green and blue, 0 to 255."""
    to_one_pixel = ["-vf", "scale=1:1:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixel = subprocess.check_output(["ffmpeg", "-v", "error", "-i", str(path), *to_one_pixel])
    return tuple(float(value) for value in pixel)


def boxes(path: Path) -> list[str]:
    """Give the names of an MP4's top-level boxes in their order."""
    names, data, at = [], path.read_bytes(), 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode("latin-1"))
        at += int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size or len(data)
    return names
