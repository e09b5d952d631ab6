"""Processes: looked at, though they may end at any moment, and made for a test."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import psutil

_TELLS_ITS_NAME = (
    "import sys; from services.runtime.process_name import own_name; print(own_name(), flush=True); sys.stdin.read()"
)


@contextlib.contextmanager
def named_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a process that waits, and the name it has for good; kill it at the end of the block at the latest."""
    argv = [sys.executable, "-c", _TELLS_ITS_NAME]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def name_of_a_dead_process() -> str:
    """Give the name of a process that has ended."""
    with named_process() as (_, name):
        pass
    return name


def children(of: int | None = None, *, recursive: bool = False) -> list[psutil.Process]:
    """Give the live children of process `of` (None: of this one); one that is gone has none."""
    try:
        found = psutil.Process(of).children(recursive=recursive)
    except psutil.NoSuchProcess:
        return []
    return [each for each in found if is_alive(each)]


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process runs and has not ended unreaped."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(process: psutil.Process) -> list[str]:
    """Give a process's command line, empty once it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def name(process: psutil.Process) -> str:
    """Give a process's name, empty once it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name()
    return ""
