"""The stream of the trials: 1080p60 of 6 Mb/s with sound, a keyframe every 2 s."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 10


def make_clip(path: Path) -> Path:
    """Make it, with a rate that is kept whatever the picture."""
    picture = f"testsrc2=size=1920x1080:rate=60:duration={SECONDS},noise=alls=6:allf=t,format=yuv420p"
    argv = (
        f"ffmpeg -nostdin -v error -f lavfi -i {picture} -f lavfi -i sine=frequency=440:duration={SECONDS} "
        "-c:v libx264 -preset ultrafast -b:v 6M -minrate 6M -maxrate 6M -bufsize 6M -x264-params nal-hrd=cbr "
        "-g 120 -keyint_min 120 -sc_threshold 0 -c:a aac -b:a 128k"
    )
    subprocess.run([*argv.split(), str(path)], check=True)
    return path


@contextmanager
def publishing(file: Path, url: str) -> Iterator[None]:
    """Push it in real time, again and again, while the block runs."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(file), "-c", "copy"]
    with subprocess.Popen([*argv, "-f", "flv", url]) as publisher:
        try:
            yield
        finally:
            publisher.kill()
