"""The worker's side of the picture child: feeds it the tap, replaces it when it dies, never waits for it.

Settings and wishes go to it as commands on a pipe of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.domain.capture import ImagePlan
from services.runtime.beat import until_beat
from services.runtime.child_environment import child_environment
from services.worker.capture.attention import Attention
from services.worker.capture.pulse import LOOK_SECONDS
from services.worker.capture.splice import Splice
from services.worker.capture.steady_clock import SteadyClock
from services.worker.events import CaptureEvent, ClockSet, FileClosed
from services.worker.pictures import commands
from services.worker.pictures.arguments import image_arguments
from services.worker.pictures.asking import Asking, ChildLost, Shot
from services.worker.pictures.command_pipe import CommandPipe
from services.worker.pictures.picture_words import event_of
from services.worker.pictures.tail_files import TailKind

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
    """One tap's picture child; `tail` is what its ffmpeg writes into `folder` besides. Of `session` is its EXIF."""

    folder: Path
    images: ImagePlan
    emit: Callable[[CaptureEvent], None]
    session: str = ""
    tail: TailKind | None = None
    all_packets: bool = False
    anywhere: bool = False
    steady: SteadyClock = field(default_factory=SteadyClock.read)
    _process: Process | None = None
    _living: asyncio.Task[None] | None = None
    _splice: Splice = field(default_factory=Splice)
    _attention: Attention = field(default_factory=Attention)
    _commands: CommandPipe = field(default_factory=CommandPipe)
    _asking: Asking = field(default_factory=Asking)
    _has_spoken: asyncio.Event = field(default_factory=asyncio.Event)
    _clock: ClockSet | None = None
    _anchor: float | None = None
    _last_due: float | None = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)
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

    def set_images(self, images: ImagePlan) -> None:
        """Take and keep pictures by other settings from now on."""
        self.images = images
        self._commands.write(commands.set_line(images))

    def set_anchor(self, anchor: float) -> None:
        """Let pictures say that PTS 0 is at `anchor` (epoch s)."""
        self._anchor = anchor
        self._commands.write(commands.anchor_line(anchor))

    async def snapshot(self, max_age: float | None) -> Shot:
        """Have a picture taken now; raise NoPicture, or ChildLost where its successor is to be asked (`is_back`)."""
        number, answer = self._asking.begin()
        try:
            if not self._commands.write(commands.now_line(number, max_age)):
                raise ChildLost
            return await answer
        finally:
            self._asking.end(number)

    async def is_back(self) -> None:
        """Wait until a child speaks."""
        await self._has_spoken.wait()

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
            self._hang_up()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    def _hang_up(self) -> None:
        """Close the pipe to a child that is over, and tell who still waits for its answer."""
        self._has_spoken.clear()
        self._commands.close()
        self._asking.lose()

    def _arguments(self) -> list[str]:
        arguments = image_arguments(self.images, self.folder, self.session)
        arguments += ["--clock-offset", repr(self.steady.offset)]
        if self.tail is not None:
            arguments += ["--tail", self.tail.value]
        if self._clock is not None:
            arguments += ["--anchor", repr(self._clock.anchor)]
        if self._last_due is not None:
            arguments += ["--last", repr(self._last_due)]
        flags = {"--all-packets": self.all_packets, "--anywhere": self.anywhere}
        return arguments + [flag for flag, is_set in flags.items() if is_set]

    async def _spawn(self) -> Process:
        read_end = self._commands.open()
        try:
            process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", PROGRAM,
                *self._arguments(), "--commands", str(read_end),
                stdin=PIPE, stdout=PIPE, stderr=PIPE, env=child_environment(), pass_fds=[read_end], limit=LINE_BYTES,
            )  # fmt: skip
        finally:
            os.close(read_end)
        if self._anchor is not None:
            self._commands.write(commands.anchor_line(self._anchor))
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
            await asyncio.sleep(until_beat(LOOK_SECONDS))
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
                said = json.loads(line)
                self._has_spoken.set()
                self._hear(event_of(said, self.folder))
                if said["event"] == "picture":
                    self._last_due = said.get("due", self._last_due)
                self._asking.hear(said)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("picture_child_unclear", error=str(error)[:200])
            process.kill()
        returncode = await process.wait()
        complaint = await complaints
        if not self._over.is_set():
            log.warning("picture_child_gone", returncode=returncode, error=complaint or None)

    def _hear(self, event: CaptureEvent | None) -> None:
        match event:
            case None:
                return  # it lives, or answers who asked
            case ClockSet() if self._clock is not None:
                return  # the part has its clock
            case ClockSet():
                self._clock = event
                self._splice.forget_opening()
            case FileClosed():
                self._deaths = 0
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
