"""A run over what was fetched: ffmpeg and a picture child, at full speed, into the files of a part."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from services.domain.capture import ImagePlan, MediaPlan
from services.runtime.child_environment import child_environment
from services.worker.capture import ffmpeg_arguments
from services.worker.capture.lists import LISTS, read_list
from services.worker.events import CaptureEvent, FileClosed, PictureUnchanged, Undecodable, VideoSeen
from services.worker.pictures.arguments import image_arguments
from services.worker.pictures.picture_words import event_of

log = structlog.get_logger()

PROGRAM = "services.worker.pictures.picture"
LINE_BYTES = 1024 * 1024
_WANTED = FileClosed | VideoSeen | Undecodable | PictureUnchanged


@dataclass(slots=True, kw_only=True)
class Replay:
    """Captures `source`, a file of ours, into `folder`; `emit` takes what happens, files up to `end` (PTS, s).

    PTS 0 is at `anchor` (epoch s), and the last picture before it was taken at `last_picture` (PTS, s).
    """

    source: Path
    media: MediaPlan
    images: ImagePlan
    session: str
    folder: Path
    anchor: float
    end: float | None
    last_picture: float | None
    emit: Callable[[CaptureEvent], None]
    _processes: list[Process] = field(default_factory=list)

    async def run(self) -> int:
        """Run to the end, or until cancelled; give ffmpeg's exit code. Raise OSError if it cannot be started."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            async with asyncio.TaskGroup() as tasks:
                capture = tasks.create_task(self._capture())
                tasks.create_task(self._take_pictures())
            return capture.result()
        finally:
            for process in self._processes:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                await process.wait()

    async def _capture(self) -> int:
        pipes = {name: os.pipe() for name in LISTS}
        writes = {name: ends[1] for name, ends in pipes.items()}
        argv = ffmpeg_arguments.capture(str(self.source), self.media, self.folder, tap=None, lists=writes)
        if self.media.recording_seconds is None and self.media.segment_seconds is None:
            for ends in pipes.values():
                for each in ends:
                    os.close(each)
            return 0
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=child_environment(), pass_fds=[*writes.values()]
            )
        except OSError:
            for read_end, _ in pipes.values():
                os.close(read_end)
            raise
        finally:
            for write_end in writes.values():
                os.close(write_end)
        self._processes.append(process)
        async with asyncio.TaskGroup() as tasks:
            for name, kind in LISTS.items():
                tasks.create_task(read_list(kind, pipes[name][0], self.folder, self._closed))
            tasks.create_task(_complain(process))
        return await process.wait()

    def _closed(self, event: CaptureEvent) -> None:
        """Pass on a file; it came at full speed, and where the last one ends is known."""
        assert isinstance(event, FileClosed)  # noqa: S101 - lists tell of nothing else
        end = event.end if self.end is None else min(event.end, self.end)
        self.emit(replace(event, end=end, waited=end - event.start))

    async def _take_pictures(self) -> None:
        """Have the pictures taken; without them the recording goes on."""
        if self.images.seconds is None:
            return
        try:
            process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", PROGRAM,
                *image_arguments(self.images, self.folder, self.session),
                "--replay", str(self.source), "--anchor", repr(self.anchor),
                *([] if self.last_picture is None else ["--last", repr(self.last_picture)]),
                stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=child_environment(), limit=LINE_BYTES,
            )  # fmt: skip
        except OSError as error:
            log.warning("pictures_missed", error=str(error))
            return
        self._processes.append(process)
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            while line := await process.stdout.readline():
                event = event_of(json.loads(line), self.folder)
                if isinstance(event, _WANTED):
                    self.emit(event)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("picture_child_unclear", error=str(error)[:200])
            process.kill()
        await process.wait()


async def _complain(process: Process) -> None:
    """Drain standard error, and log the first lines."""
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    count = 0
    async for line in process.stderr:
        count += 1
        if count <= 10:  # noqa: PLR2004 - enough to see what it is
            log.info("ffmpeg_said", text=line.decode(errors="replace").strip()[:500])
