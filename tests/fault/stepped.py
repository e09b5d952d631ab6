"""A stack whose wall clock a test can set while everything runs, as an administrator or NTP would.

Debian's libfaketime is loaded into each of its programs by way of an interpreter that stands in for ours, since the
stack passes on little of its environment. Clocks that nobody sets go on as they are.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

LIBRARIES = Path("/usr/lib")
_INTERPRETER = """#!/bin/bash
export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={file}
export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
exec -a "$0" {python} "$@"
"""
_WRAPPER = """#!/bin/bash
shift
exec {python} "$@"
"""


def library() -> Path:
    """Give libfaketime for programs with several threads."""
    found = next(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"), None)
    assert found is not None, "install Debian's package faketime"
    return found


@dataclass
class SteppedClock:
    """`wrapper` is put before the stack's command; `folder` is empty and this clock's own."""

    folder: Path

    def __post_init__(self) -> None:
        """Make the interpreter, in a virtual environment that is ours by another name."""
        self._file = self.folder / "step"
        self.set(timedelta(0))
        (self.folder / "bin").mkdir()
        (self.folder / "lib").symlink_to(Path(sys.prefix) / "lib")
        (self.folder / "pyvenv.cfg").write_bytes((Path(sys.prefix) / "pyvenv.cfg").read_bytes())
        python = self.folder / "bin" / "python"
        text = _INTERPRETER.format(library=library(), file=self._file, python=os.path.realpath(sys.executable))
        self._program(python, text)
        self._wrapper = self.folder / "wrapper"
        self._program(self._wrapper, _WRAPPER.format(python=python))

    @property
    def wrapper(self) -> tuple[str, ...]:
        return (str(self._wrapper),)

    def set(self, ahead: timedelta) -> None:
        """Let the stack's wall clock be so much ahead of ours from now on."""
        self.ahead = ahead
        part = self._file.with_name("next")
        part.write_text(f"{ahead.total_seconds():+g}\n")
        part.replace(self._file)

    def now(self) -> float:
        """Give what the stack reads off its wall clock (epoch s)."""
        return time.time() + self.ahead.total_seconds()

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)
