"""Looks at processes that may end at any moment."""

from __future__ import annotations

import contextlib

import psutil


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
