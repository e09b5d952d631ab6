"""The stream that benchmarks publish: what an encoder sends at 1080p30."""

from __future__ import annotations

import subprocess
from pathlib import Path

SECONDS = 20
WHAT = "1080p30 H.264 High of x264's default preset, 5 Mb/s, 3 B-frames, GOP 2 s, AAC"


def hd_stream(folder: Path) -> Path:
    """Make it; some grain keeps the bit rate up, as a camera's does."""
    path = folder / "1080p30.flv"
    picture = f"testsrc2=size=1920x1080:rate=30:duration={SECONDS},noise=alls=12:allf=t,format=yuv420p"
    argv = (
        f"ffmpeg -nostdin -v error -f lavfi -i {picture} -f lavfi -i sine=frequency=440:duration={SECONDS} "
        "-c:v libx264 -b:v 5M -maxrate 5M -bufsize 10M -g 60 -keyint_min 60 -sc_threshold 0 -c:a aac -b:a 128k"
    )
    subprocess.run([*argv.split(), str(path)], check=True)
    return path
