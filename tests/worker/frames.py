"""Single frames as a decoder gives them, made of numbers."""

from __future__ import annotations

import random
from pathlib import Path

import av

from tests.media import run


def a_frame(luma: bytes, width: int, height: int) -> av.VideoFrame:
    """Give a colourless frame of limited range with this luma, line by line."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, body, step in ((0, luma, width), (1, None, width // 2), (2, None, width // 2)):
        target = frame.planes[plane]
        lines = height if plane == 0 else height // 2
        filled = bytes(128 for _ in range(step)) if body is None else b""
        rows = (filled or luma[at * step : (at + 1) * step] for at in range(lines))
        target.update(b"".join(row.ljust(target.line_size, b"\x00") for row in rows))
    return frame


def flat(level: int, width: int = 320, height: int = 180) -> av.VideoFrame:
    """Give a frame of one luma (16 is black, 235 white)."""
    return a_frame(bytes([level]) * (width * height), width, height)


def noisy(level: int, spread: int, seed: int, width: int = 320, height: int = 180) -> av.VideoFrame:
    """Give a frame in which each pixel differs from `level` by `spread` at the most."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    luma = bytes(min(235, max(16, level + chance.randint(-spread, spread))) for _ in range(width * height))
    return a_frame(luma, width, height)


def with_box(level: int, box: tuple[int, int, int, int], width: int = 320, height: int = 180) -> av.VideoFrame:
    """Give a white box (left, top, width, height) on a frame of one luma."""
    left, top, wide, high = box
    plain = bytes([level]) * width
    boxed = plain[:left] + bytes([235]) * wide + plain[left + wide :]
    return a_frame(b"".join(boxed if top <= y < top + high else plain for y in range(height)), width, height)


def encoded(source: str, rate: str, path: Path) -> list[av.VideoFrame]:
    """Send lavfi's `source` through x264 at a bit rate such as "300k", each frame a keyframe; give what comes out."""
    run(
        ["ffmpeg", "-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset",
         "ultrafast", "-b:v", rate, "-g", "1", "-pix_fmt", "yuv420p", path]
    )  # fmt: skip
    with av.open(str(path)) as container:
        return list(container.decode(video=0))
