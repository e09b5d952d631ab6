"""The worker's side of the picture child: feeds it the tap, replaces it when it dies, never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.worker.capture.attention import Attention
from services.worker.capture.pulse import LOOK_SECONDS
from services.worker.capture.splice import Splice
from services.worker.capture.steady_clock import SteadyClock
from services.worker.child_environment import child_environment
from services.worker.events import CaptureEvent, ClockSet, FileClosed
from services.worker.pictures.picture_words import event_of

log = structlog.get_logger()

PROGRAM = "services.worker.pictures.picture"

BACKLOG_BYTES = 32 * 1024 * 1024
"""What may wait for the child before it counts as wedged and is replaced."""
LINE_BYTES = 1024 * 1024
RESTART_SECONDS = (0.1, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.0, 1.0, 5.0)
"""The pauses before a new child, one for each that died without a picture since the last one."""
GOOD_SECONDS = 10.0
END_SECONDS = 3.0


async def _last_words(stream: asyncio.StreamReader) -> str:
    """Read to the end and keep the last of it."""
    kept = b""
    while data := await stream.read(4096):
        kept = (kept + data)[-500:]
    return kept.decode(errors="replace")


@dataclass(slots=True, kw_only=True)
class PictureChild:
    """One tap's picture child; `interval` (s) None keeps only the clock."""

    folder: Path
    interval: float | None
    all_packets: bool
    emit: Callable[[CaptureEvent], None]
    anywhere: bool = False
    steady: SteadyClock = field(default_factory=SteadyClock.read)
    _process: Process | None = None
    _living: asyncio.Task[None] | None = None
    _splice: Splice = field(default_factory=Splice)
    _attention: Attention = field(default_factory=Attention)
    _clock: ClockSet | None = None
    _last_picture: float | None = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _is_replaced: bool = False
    _deaths: int = 0

    async def start(self) -> None:
        """Start the program, and another whenever it dies; it waits for the tap's header."""
        self._living = asyncio.create_task(self._live(), name="picture child")

    def feed(self, data: bytes) -> None:
        """Pass on a piece of the tap; while no child runs it is dropped, up to the next syncpoint."""
        data = self._splice.take(data)
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None or process.stdin.is_closing():
            self._splice.lose()
        elif process.stdin.transport.get_write_buffer_size() > BACKLOG_BYTES:
            self._kill_wedged(process, f"{BACKLOG_BYTES} bytes wait for it")
        elif data:
            process.stdin.write(data)
            if self._splice.has_packets:
                self._attention.fed()

    async def set_interval(self, interval: float | None) -> None:
        """Take pictures at another interval from now on, with a new child on the same clock."""
        self.interval = interval
        if self._process is not None and self._process.returncode is None:
            self._is_replaced = True
            self._process.kill()

    async def _live(self) -> None:
        """Run one child after the other until the end."""
        while not self._over.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await self._run_one()
            except Exception:  # whatever it is, the recording goes on and the next child may do better
                log.exception("picture_child_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause(lived=asyncio.get_running_loop().time() - began)):
                    await self._over.wait()

    def _pause(self, lived: float) -> float:
        """Give the seconds before the next child, after one that lived so long (s)."""
        if self._is_replaced:
            self._is_replaced = False
            return 0.0
        if lived >= GOOD_SECONDS:
            self._deaths = 0
        self._deaths += 1
        return RESTART_SECONDS[min(self._deaths, len(RESTART_SECONDS)) - 1]

    async def _run_one(self) -> None:
        """Start a child, and hear it until it dies."""
        self._process = process = await self._spawn()
        watching = asyncio.create_task(self._watch(process), name="picture child's watch")
        try:
            await self._follow(process)
        finally:
            watching.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def _spawn(self) -> Process:
        arguments = ["--folder", str(self.folder), "--clock-offset", repr(self.steady.offset)]
        if self.interval is not None:
            arguments += ["--interval", str(self.interval)]
        if self.all_packets:
            arguments.append("--all-packets")
        if self.anywhere:
            arguments.append("--anywhere")
        if self._clock is not None:
            arguments += ["--anchor", repr(self._clock.anchor)]
        if self._last_picture is not None:
            arguments += ["--last", repr(self._last_picture)]
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", PROGRAM, *arguments,
            stdin=PIPE, stdout=PIPE, stderr=PIPE, env=child_environment(), limit=LINE_BYTES,
        )  # fmt: skip
        self._attention = Attention()
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        if opening := self._splice.begin():
            process.stdin.write(opening)
        if self._over.is_set():  # end() came while the program was being started and knows only the one before it
            process.stdin.close()
        return process

    async def _watch(self, process: Process) -> None:
        """Kill a child that was fed and says nothing: it is stopped, or decodes without end."""
        while not self._attention.is_lost():  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(LOOK_SECONDS)
        self._kill_wedged(process, "it has stopped answering")

    def _kill_wedged(self, process: Process, trouble: str) -> None:
        log.warning("picture_child_wedged", trouble=trouble)
        self._splice.lose()
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _follow(self, process: Process) -> None:
        """Read what the child says until it dies."""
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - both are pipes
        complaints = asyncio.create_task(_last_words(process.stderr), name="picture child complaints")
        try:
            while line := await process.stdout.readline():
                self._attention.heard()
                self._hear(event_of(json.loads(line), self.folder))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("picture_child_unclear", error=str(error)[:200])
            process.kill()
        returncode = await process.wait()
        complaint = await complaints
        if not (self._over.is_set() or self._is_replaced):
            log.warning("picture_child_gone", returncode=returncode, error=complaint or None)

    def _hear(self, event: CaptureEvent | None) -> None:
        match event:
            case None:
                return  # it lives
            case ClockSet() if self._clock is not None:
                return  # the part has its clock
            case ClockSet():
                self._clock = event
                self._splice.forget_opening()
            case FileClosed():
                self._last_picture, self._deaths = event.start, 0
        self.emit(event)

    async def end(self) -> None:
        """Let the child finish what it was fed, at most for END_SECONDS, and see it gone."""
        self._over.set()
        process, living = self._process, self._living
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.close()
        if living is None:
            return
        await asyncio.wait([living], timeout=END_SECONDS)
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(living, return_exceptions=True)
        if process is not None:
            await process.wait()
