"""One life of one ffmpeg: pulls, writes into the spool, and tells of each file it closes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.domain.artifact import Kind
from services.domain.capture import MediaPlan
from services.domain.secrets import Secret
from services.worker import ffmpeg_arguments
from services.worker.child_environment import child_environment
from services.worker.events import CaptureEvent, FileClosed, RunOutgrown, VideoSeen
from services.worker.ffmpeg_arguments import Tap
from services.worker.picture_child import PictureChild

log = structlog.get_logger()

READ_BYTES = 256 * 1024
TERM_SECONDS = (1.5, 2.0)
"""How long ffmpeg has after the first and the second SIGTERM: blocked in an idle pull it survives the first."""
COMPLAINTS_A_RUN = 10
LINE_BYTES = 1024 * 1024
NO_STREAM = "matches no streams"
_LATE_STREAM = re.compile(r"New (audio|video) stream")
_LISTS = {"recording": Kind.RECORDING, "segment": Kind.SEGMENT}
_TOKEN = re.compile(r"(token=)[^&\s]+")


@dataclass(slots=True, kw_only=True)
class CaptureRun:
    """Runs ffmpeg once, with its picture child; `emit` takes what happens, in order of each file's kind."""

    source: Secret
    media: MediaPlan
    image_seconds: float | None
    sound_only: bool
    folder: Path
    emit: Callable[[CaptureEvent], None]
    found_no_stream: bool = False
    _process: Process | None = None
    _child: PictureChild | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Start the child, then ffmpeg, which begins to pull at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tap = Tap.SOUND if self.sound_only else Tap.ALL if self.media.full_tap else Tap.KEYFRAMES
        self._child = PictureChild(
            folder=self.folder, interval=self.image_seconds, all_packets=tap is Tap.ALL, emit=self._heard
        )
        pipes = {name: os.pipe() for name in _LISTS}
        try:
            lists = {name: write_end for name, (_, write_end) in pipes.items()}
            argv = ffmpeg_arguments.capture(self.source.reveal(), self.media, self.folder, tap=tap, lists=lists)
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=child_environment(),
                pass_fds=list(lists.values()),
                limit=LINE_BYTES,
            )
        finally:
            for _, write_end in pipes.values():
                os.close(write_end)
        self._process = process
        self._tasks = [
            asyncio.create_task(self._read_list(kind, pipes[name][0]), name=f"{name} list")
            for name, kind in _LISTS.items()
        ]
        self._tasks.append(asyncio.create_task(self._complain(process), name="ffmpeg complaints"))
        await self._child.start()
        self._tasks.append(asyncio.create_task(self._relay(process, self._child), name="tap"))

    def _heard(self, event: CaptureEvent) -> None:
        """Pass on what the picture child tells; video in a stream taken for sound alone needs another run."""
        self.emit(event)
        if self.sound_only and isinstance(event, VideoSeen) and event.video is not None:
            self.emit(RunOutgrown())

    async def wait(self) -> int:
        """Wait until ffmpeg has ended and all it said is heard; give its exit code."""
        assert self._process is not None and self._child is not None  # noqa: S101, PT018 - start() came first
        await asyncio.gather(*self._tasks)
        await self._child.end()
        return await self._process.wait()

    async def set_image_seconds(self, interval: float | None) -> None:
        """Take pictures at another interval (s) without touching the recording."""
        self.image_seconds = interval
        if self._child is not None:
            await self._child.set_interval(interval)

    async def stop(self) -> None:
        """End ffmpeg so that it closes its files: TERM, TERM, then KILL."""
        process = self._process
        if process is None:
            return
        for number, seconds in ((signal.SIGTERM, TERM_SECONDS[0]), (signal.SIGTERM, TERM_SECONDS[1])):
            if process.returncode is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await process.wait()
        if process.returncode is None:
            log.warning("ffmpeg_killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _read_list(self, kind: Kind, read_end: int) -> None:
        """Read `name,start,end` lines; ffmpeg writes one the moment the file is closed."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
        )
        clock = asyncio.get_running_loop().time
        is_first, before = True, clock()
        try:
            while line := await reader.readline():
                name, start, end = line.decode().strip().rsplit(",", 2)
                self.emit(
                    FileClosed(
                        kind=kind,
                        path=self.folder / Path(name).name,
                        start=float(start),
                        end=float(end),
                        is_first=is_first,
                        waited=clock() - before,
                    )
                )
                is_first, before = False, clock()
        finally:
            transport.close()

    async def _relay(self, process: Process, child: PictureChild) -> None:
        """Carry the tap to the child; this always reads on, so that ffmpeg never waits for a picture."""
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while data := await process.stdout.read(READ_BYTES):
            child.feed(data)

    async def _complain(self, process: Process) -> None:
        """Drain standard error; log the first lines, and count the rest."""
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        count = 0
        async for line in process.stderr:
            text = _TOKEN.sub(r"\1…", line.decode(errors="replace").strip())
            self.found_no_stream = self.found_no_stream or NO_STREAM in text
            if _LATE_STREAM.search(text):
                self.emit(RunOutgrown())
            count += 1
            if count <= COMPLAINTS_A_RUN:
                log.info("ffmpeg_said", text=text[:500])
        if count > COMPLAINTS_A_RUN:
            log.info("ffmpeg_said_more", lines=count - COMPLAINTS_A_RUN)
