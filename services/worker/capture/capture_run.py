"""One life of one ffmpeg: pulls, writes into the spool, and tells of each file it closes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.domain.capture import ImagePlan, MediaPlan
from services.domain.secrets import Secret
from services.runtime.beat import until_beat
from services.runtime.child_environment import child_environment
from services.worker.capture import ffmpeg_arguments, stopping
from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.capture.lists import LISTS, read_list
from services.worker.capture.pulse import LOOK_SECONDS, Pulse
from services.worker.capture.steady_clock import SteadyClock
from services.worker.events import CaptureEvent, RunOutgrown, VideoSeen
from services.worker.pictures.asking import ChildLost, NoPicture, Shot
from services.worker.pictures.picture_child import PictureChild
from services.worker.pictures.tail_files import RING_FILES, RING_PATTERN, TailKind

log = structlog.get_logger()

READ_BYTES = 256 * 1024
COMPLAINTS_A_RUN = 10
LINE_BYTES = 1024 * 1024
NO_STREAM = "matches no streams"
NO_H264 = "is not supported by the bitstream filter"
_UNREADABLE = re.compile(r"(Video|Audio) codec \(([0-9a-f]+)\) is not implemented")
_LATE_STREAM = re.compile(r"New (audio|video) stream")
_TOKEN = re.compile(r"(token=)[^&\s]+")


@dataclass(slots=True, kw_only=True)
class CaptureRun:
    """Runs ffmpeg once, with its picture child; `emit` takes what happens, in order of each file's kind.

    Without segments a ring of files has what pictures between keyframes are made of, unless that is not for this
    stream's codec (`has_ring`). `steady` is the session's clock; `unreadable` says what ffmpeg has no name for, once it
    has met that.
    """

    source: Secret
    media: MediaPlan
    images: ImagePlan
    session: str
    sound_only: bool
    folder: Path
    has_ring: bool = True
    emit: Callable[[CaptureEvent], None]
    steady: SteadyClock = field(default_factory=SteadyClock.read)
    found_no_stream: bool = False
    found_no_h264: bool = False
    unreadable: str | None = None
    _process: Process | None = None
    _child: PictureChild | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start ffmpeg, which begins to pull at once, and its child; raise OSError if that cannot be."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tap = Tap.SOUND if self.sound_only else Tap.ALL if self.media.cuts_anywhere else Tap.KEYFRAMES
        tail = self._tail() if tap is Tap.KEYFRAMES else None
        child = self._child = PictureChild(
            folder=self.folder,
            images=self.images,
            session=self.session,
            tail=tail,
            all_packets=tap is Tap.ALL,
            anywhere=self.media.cuts_anywhere,
            steady=self.steady,
            emit=self._heard,
        )
        pipes = {name: os.pipe() for name in LISTS}
        try:
            process = self._process = await self._spawn(
                tap, tail, {name: write_end for name, (_, write_end) in pipes.items()}
            )
        except OSError:
            for read_end, _ in pipes.values():
                os.close(read_end)
            raise
        finally:
            for _, write_end in pipes.values():
                os.close(write_end)
        self._tasks = [
            asyncio.create_task(read_list(kind, pipes[name][0], self.folder, self.emit), name=f"{name} list")
            for name, kind in LISTS.items()
        ]
        self._tasks.append(asyncio.create_task(self._complain(process), name="ffmpeg complaints"))
        await child.start()
        self._tasks.append(asyncio.create_task(self._relay(process, child), name="tap"))
        self._watching = asyncio.create_task(self._watch(process), name="ffmpeg's watch")

    async def _spawn(self, tap: Tap, tail: TailKind | None, lists: dict[str, int]) -> Process:
        ring = tail is TailKind.RING
        argv = ffmpeg_arguments.capture(self.source.reveal(), self.media, self.folder, tap=tap, lists=lists, ring=ring)
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=child_environment(),
            pass_fds=list(lists.values()),
            limit=LINE_BYTES,
        )

    def _heard(self, event: CaptureEvent) -> None:
        """Pass on what the picture child tells; video in a stream taken for sound alone needs another run."""
        self.emit(event)
        if self.sound_only and isinstance(event, VideoSeen) and event.video is not None:
            self.emit(RunOutgrown(why="video_came"))

    async def wait(self) -> int:
        """Wait until ffmpeg has ended and all it said is heard; give its exit code."""
        assert self._process is not None and self._child is not None  # noqa: S101, PT018 - start() came first
        try:
            await asyncio.gather(*self._tasks)
        except Exception:  # whatever it is, nobody listens to this ffmpeg any more: another run may do better
            log.exception("capture_task_failed")
            self.kill()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._child.end()
        returncode = await self._process.wait()
        if self._watching is not None:
            self._watching.cancel()
        for number in range(RING_FILES):  # nobody ships them
            with contextlib.suppress(OSError):  # the whole spool may be gone
                (self.folder / (RING_PATTERN % number)).unlink()
        return returncode

    def _tail(self) -> TailKind | None:
        if self.media.segment_seconds is not None:
            return TailKind.SEGMENTS
        return TailKind.RING if self.has_ring else None

    def set_images(self, images: ImagePlan) -> None:
        """Take and keep pictures by other settings without touching the recording."""
        self.images = images
        if self._child is not None:
            self._child.set_images(images)

    def set_anchor(self, anchor: float) -> None:
        """Let pictures say that PTS 0 is at `anchor` (epoch s)."""
        if self._child is not None:
            self._child.set_anchor(anchor)

    async def snapshot(self, max_age: float | None) -> Shot:
        """Take a picture now: the newest keyframe, or a newer frame where that is older than `max_age` (s).

        A picture child that dies meanwhile has a successor that is asked once more. Raise NoPicture.
        """
        if self._child is None:
            raise NoPicture("not_started")
        try:
            return await self._child.snapshot(max_age)
        except ChildLost:
            await self._child.is_back()
        try:
            return await self._child.snapshot(max_age)
        except ChildLost:
            raise NoPicture("child_lost") from None

    async def stop(self) -> None:
        """End ffmpeg so that it closes its files."""
        if self._process is not None:
            await stopping.stop(self._process)

    def kill(self) -> None:
        """End ffmpeg now; what it left open can be read up to its last fragment."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _watch(self, process: Process) -> None:
        """Kill an ffmpeg that is alive and does nothing; one that waits for media moves all the time."""
        pulse = Pulse(process.pid)
        while (trouble := pulse.look()) is None:  # noqa: ASYNC110 - standing still is no event
            await asyncio.sleep(until_beat(LOOK_SECONDS))
        log.warning("ffmpeg_wedged", trouble=trouble)
        self.kill()

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
            self.found_no_h264 = self.found_no_h264 or NO_H264 in text
            if self.unreadable is None and (codec := _UNREADABLE.search(text)) is not None:
                self.unreadable = f"its {codec[1].lower()} is of FLV's codec {int(codec[2], 16)}, which cannot be read"
            if (late := _LATE_STREAM.search(text)) is not None:
                self.emit(RunOutgrown(why=f"{late[1]}_came", late=late[1]))
            count += 1
            if count <= COMPLAINTS_A_RUN:
                log.info("ffmpeg_said", text=text[:500])
        if count > COMPLAINTS_A_RUN:
            log.info("ffmpeg_said_more", lines=count - COMPLAINTS_A_RUN)
