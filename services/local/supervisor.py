"""Keeps the programs of the stack running, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

import structlog

from services.local.children import Children, end_group
from services.local.errors import CannotStart
from services.local.lifeline import Lifeline
from services.local.output import output_of
from services.local.program import Program
from services.runtime.backoff import Backoff

log = structlog.get_logger()

STOP_SECONDS = 17.0
FIRST_PAUSE, LONGEST_PAUSE, SETTLED = 0.2, 5.0, 30.0  # seconds
_EXITS_OF_A_FAILED_START = (1, 2)
_EXIT_NOT_RUN = 127
_REAP_SECONDS = 1.0


class Supervisor:
    """Restarts each program that ends, with growing pauses, until it is told to stop them all.

    Until `ready`, a program that exits with 1 or 2 cannot start: `failed` then raises CannotStart.
    """

    def __init__(self, children: Children, lifeline: Lifeline) -> None:
        """Start nothing yet."""
        self._children = children
        self._lifeline = lifeline
        self._stopping = asyncio.Event()
        self._ready = False
        self._running: dict[int, Program] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def keep(self, program: Program) -> None:
        """Start a program and keep it running."""
        self._tasks.append(asyncio.create_task(self._keep(program), name=f"keep {program.name}"))

    async def finish(self, program: Program, seconds: float) -> None:
        """Run a program to its end; raise CannotStart if that is no success or takes longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                code = await self._run(program)
        except TimeoutError:
            raise CannotStart(f"{program.name} took longer than {seconds:g} s") from None
        if code != 0:
            raise CannotStart(f"{program.name} failed (exit {code}); its own message is above")

    def ready(self) -> None:
        """Take every later end of a program as a crash to recover from."""
        self._ready = True

    async def failed(self) -> None:
        """Wait for ever, or raise CannotStart when a program cannot start."""
        await asyncio.shield(self._failure)

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End all programs: those on the lifeline by it, the others by SIGTERM; after `seconds` kill what is left."""
        self._stopping.set()
        self._lifeline.ask_stop()
        for pid, program in self._running.items():
            if not program.on_lifeline:
                _signal(pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self._lifeline.last_holder_gone()
                await asyncio.shield(asyncio.gather(*self._tasks))
        except TimeoutError:
            running = sorted(program.name for program in self._running.values())
            log.warning("stop_took_too_long", seconds=seconds, running=running)
        await self._children.kill_remaining()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_REAP_SECONDS)
        if not self._failure.cancel():
            self._failure.exception()

    async def _keep(self, program: Program) -> None:
        pauses = Backoff(FIRST_PAUSE, LONGEST_PAUSE, SETTLED)
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run(program)
            if self._stopping.is_set():
                return
            if not self._ready and code in _EXITS_OF_A_FAILED_START:
                self._fail(program, code)
                return
            pause = pauses.after(time.monotonic() - began)
            log.warning("program_ended", program=program.name, exit=code, restart_in_seconds=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run(self, program: Program) -> int:
        """Run it once; give its exit code, 127 if it cannot be run at all."""
        async with output_of(program) as output:
            try:
                pid, end = self._children.start(program, lifeline_fd=self._lifeline.fd, output=output.writing)
            except OSError as error:
                log.warning("program_not_started", program=program.name, error=str(error))
                return _EXIT_NOT_RUN
            output.started()
            self._running[pid] = program
            log.debug("program_started", program=program.name, pid=pid)
            code = await end
            del self._running[pid]
            if not program.on_lifeline:
                end_group(pid)
            return code

    def _fail(self, program: Program, code: int) -> None:
        if not self._failure.done():
            self._failure.set_exception(
                CannotStart(f"{program.name} cannot start (exit {code}); its own message is in the log above")
            )


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
