"""Publishers and players as users have them: ffmpeg."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Self

END_SECONDS = 10.0
_FFMPEG = ["setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-loglevel", "error"]


class _Program:
    """A process that is killed at the block's end, if it still runs."""

    def __init__(self, argv: list[str]) -> None:
        self._argv = argv
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.communicate(timeout=END_SECONDS)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def exit_code(self, within: float = END_SECONDS) -> int:
        """Wait until it ends by itself; give how."""
        return self._process.wait(within)

    def complaint(self) -> str:
        """Give what it said, once it has ended."""
        return self._process.communicate(timeout=END_SECONDS)[1].decode(errors="replace")

    def kill(self) -> None:
        if self.is_running:
            self._process.kill()

    def leave(self) -> None:
        """End it as a user does."""
        self._process.terminate()
        self._process.wait(END_SECONDS)

    def freeze(self) -> None:
        """Stop it without closing its connection."""
        os.kill(self._process.pid, signal.SIGSTOP)


class Publisher(_Program):
    """Pushes a file in real time, again and again, without encoding."""

    def __init__(self, url: str, media: Path, options: list[str] | None = None) -> None:
        reading = ["-re", "-stream_loop", "-1", "-i", str(media), "-c", "copy"]
        super().__init__([*_FFMPEG, *reading, "-f", "flv", "-flvflags", "no_duration_filesize", *(options or []), url])


class Player(_Program):
    """Plays until it is refused or the stream ends, at most for 1 s of media."""

    def __init__(self, url: str) -> None:
        super().__init__([*_FFMPEG, "-rw_timeout", "5000000", "-i", url, "-t", "1", "-c", "copy", "-f", "null", "-"])
