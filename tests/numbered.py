"""Clips in which each frame shows its own time: black and white blocks that survive any codec.

    tags = read_flv(NumberedMedia(folder).file(NumberedClip(seconds=300)))

A frame shows 24 bits, 8 in a row: its time in the clip in hundredths of a second (19 bits, 87 minutes), then a check (5
bits). `tests/verifier/numbers.py` reads them. The time does not depend on the frame rate, so that clips of different
shapes may follow one another in one broadcast.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

COLUMNS, ROWS = 8, 3
TICKS_PER_SECOND = 100
CHECK_BITS, CHECK_MODULUS = 5, 29
MAX_SECONDS = (1 << (COLUMNS * ROWS - CHECK_BITS)) // TICKS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedClip:
    """What a file holds; `width` is a multiple of 16 and `height` of 6, `rate` frames a second."""

    seconds: float = 300
    rate: int = 25
    gop_seconds: float = 1
    b_frames: int = 0
    width: int = 192
    height: int = 108
    sound: bool = True
    codec: str = "libx264"
    extra: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        sound = "sound" if self.sound else "silent"
        shape = f"{self.width}x{self.height}-r{self.rate}-gop{self.gop_seconds:g}-b{self.b_frames}"
        extra = "".join(letter if letter.isalnum() else "-" for letter in "".join(self.extra))
        return f"numbered-{self.codec}-{shape}-{sound}-{self.seconds:g}s{extra[:80]}.flv"


class NumberedMedia:
    """A folder of clips: each is made when it is first asked for, 300 s of one in about 2 s."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, clip: NumberedClip = NumberedClip()) -> Path:
        path = self._folder / clip.name
        if not path.exists():
            part = path.with_name(f"part-{path.name}")
            _encode(clip, part)
            part.rename(path)
        return path


def word(tick: int) -> int:
    """Give the 24 bits that a frame at `tick` shows."""
    return tick << CHECK_BITS | tick % CHECK_MODULUS + 1


def _encode(clip: NumberedClip, path: Path) -> None:
    assert clip.seconds <= MAX_SECONDS
    gop = str(round(clip.gop_seconds * clip.rate))
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=22050:duration={clip.seconds}"]
    argv = [
        "ffmpeg", "-nostdin", "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{clip.width}x{clip.height}", "-r", str(clip.rate), "-i", "pipe:0",
        *(sound if clip.sound else []), "-c:a", "aac", "-b:a", "32k", "-aac_coder", "fast",
        "-c:v", clip.codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p",
        "-g", gop, "-keyint_min", gop, "-bf", str(clip.b_frames), "-sc_threshold", "0",
        *clip.extra, "-f", "flv", str(path),
    ]  # fmt: skip
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        _paint(clip, process.stdin)
        process.stdin.close()
        assert process.wait(300) == 0


def _paint(clip: NumberedClip, sink: IO[bytes]) -> None:
    block, lines = clip.width // COLUMNS, clip.height // ROWS
    row = [
        b"".join((b"\xeb" if value >> (COLUMNS - 1 - column) & 1 else b"\x10") * block for column in range(COLUMNS))
        * lines
        for value in range(1 << COLUMNS)
    ]
    for number in range(round(clip.seconds * clip.rate)):
        shown = word(round(number * TICKS_PER_SECOND / clip.rate))
        sink.write(row[shown >> 16] + row[shown >> 8 & 0xFF] + row[shown & 0xFF])
