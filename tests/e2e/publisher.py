"""A publisher: ffmpeg that pushes a prepared file in real time, without encoding."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Self


class Publisher:
    """Pushes `media` to a channel's address; use as a context manager."""

    def __init__(self, url: str, media: Path, *, seconds: float | None = None, loop: bool = True) -> None:
        length = [] if seconds is None else ["-t", str(seconds)]
        again = ["-stream_loop", "-1"] if loop else []
        self._argv = [
            "setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-loglevel", "error", "-re",
            *again, "-i", str(media), *length, "-c", "copy",
            "-f", "flv", "-flvflags", "no_duration_filesize", url,
        ]  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._argv, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait(self, within: float) -> int:
        """Wait until ffmpeg ends by itself."""
        assert self.process is not None
        return self.process.wait(timeout=within)
