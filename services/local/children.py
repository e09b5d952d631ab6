"""The stack's child processes: started, waited for, and none left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Self

import psutil
import structlog

from services.local.program import HOME, Program, plain_environment

log = structlog.get_logger()

_PR_SET_CHILD_SUBREAPER = 36
_KILL_SECONDS = 2.0


class Children:
    """Starts processes and hears of their end.

    While the block runs this process is a subreaper: what a dead child leaves behind becomes a child of ours, so
    that it is reaped, and found by `kill_remaining`.
    """

    def __init__(self) -> None:
        """Know no child yet."""
        self._ends: dict[int, tuple[subprocess.Popen[bytes], asyncio.Future[int]]] = {}

    def __enter__(self) -> Self:
        _become_subreaper()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._collect)
        return self

    def __exit__(self, *failure: object) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    def start(self, program: Program, *, lifeline_fd: int, output: int | None) -> tuple[int, asyncio.Future[int]]:
        """Start it in a session of its own; give its pid and the future of its exit code (negative: the signal).

        Raise OSError if it cannot be run. `output` takes what it prints, standard error if None.
        """
        environment = plain_environment() | dict(program.environment)
        if program.on_lifeline:
            environment["STREAMKEEP_LIFELINE_FD"] = str(lifeline_fd)
        process = subprocess.Popen(
            program.argv,
            cwd=HOME,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=2 if output is None else output,
            stderr=output,
            pass_fds=(lifeline_fd,) if program.on_lifeline else (),
            start_new_session=True,
        )
        end = asyncio.get_running_loop().create_future()
        self._ends[process.pid] = (process, end)
        return process.pid, end

    def _collect(self) -> None:
        """Reap whoever ended: our own through their Popen, orphans that came to us directly."""
        for pid in _ended():
            if pid not in self._ends:
                os.waitpid(pid, 0)
                continue
            process, end = self._ends.pop(pid)
            if not end.done():
                end.set_result(process.wait())

    async def kill_remaining(self) -> None:
        """Kill every descendant, and those that appear meanwhile, until none is left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KILL_SECONDS):
                while remaining := _descendants():
                    for process in remaining:
                        with contextlib.suppress(psutil.NoSuchProcess):
                            log.warning("process_killed", pid=process.pid, program=process.name())
                            process.kill()
                    await asyncio.sleep(0.05)


def end_group(pid: int) -> None:
    """Kill what a dead leader left in its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _become_subreaper() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _ended() -> Iterator[int]:
    """Give the pids of ended children without reaping them; each must be reaped before the next is asked for."""
    while True:
        try:
            seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if seen is None:
            return
        yield seen.si_pid


def _descendants() -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if _is_alive(each)]


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
