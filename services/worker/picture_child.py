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
from typing import Any

import structlog

from services.domain.artifact import Kind
from services.worker.child_environment import child_environment
from services.worker.events import CaptureEvent, ClockSet, FileClosed, MediaSeen, RunOutgrown, Undecodable, VideoSeen

log = structlog.get_logger()

BACKLOG_BYTES = 32 * 1024 * 1024
"""What may wait for the child before it counts as wedged and is replaced."""
SYNCPOINT = bytes.fromhex("4e4be4adeeca4569")
"""NUT's syncpoint startcode (nut.txt, "startcodes"): what precedes the first one is a new child's header."""
HEADER_BYTES = 64 * 1024
FILLER_BYTES = 16 * 1024 * 1024
"""A syncpoint points back to the one before its keyframe, and NUT's reader refuses one that points back past what it
has read; so a new child is given zeros, which it skips, for what it missed: enough for a GOP."""
LINE_BYTES = 1024 * 1024
RESTART_SECONDS = (0.1, 5.0)
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
    _process: Process | None = None
    _reading: asyncio.Task[None] | None = None
    _header: bytes = b""
    _header_is_whole: bool = False
    _must_resync: bool = False
    _carry: bytes = b""
    _passed_bytes: int = 0
    _clock: ClockSet | None = None
    _last_picture: float | None = None
    _ending: bool = False
    _is_replaced: bool = False
    _delay: float = field(default=RESTART_SECONDS[0])

    async def start(self) -> None:
        """Start the program; it waits for the tap's header."""
        arguments = ["--folder", str(self.folder)]
        if self.interval is not None:
            arguments += ["--interval", str(self.interval)]
        if self.all_packets:
            arguments.append("--all-packets")
        if self._clock is not None:
            arguments += ["--anchor", repr(self._clock.anchor)]
        if self._last_picture is not None:
            arguments += ["--last", repr(self._last_picture)]
        self._process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "services.worker.picture", *arguments,
            stdin=PIPE, stdout=PIPE, stderr=PIPE, env=child_environment(), limit=LINE_BYTES,
        )  # fmt: skip
        if self._ending:  # end() came while the program was being started and knows only the one before it
            self._process.kill()
        self._must_resync = self._header_is_whole
        if self._header:
            self._write(self._header)
        self._reading = asyncio.create_task(self._follow(self._process), name="picture child")

    def feed(self, data: bytes) -> None:
        """Pass on a piece of the tap; while no child runs it is dropped, up to the next syncpoint."""
        self._passed_bytes += len(data)
        if not self._header_is_whole:
            data = self._take_header(data)
        if self._must_resync:
            self._carry += data
            at = self._carry.find(SYNCPOINT)
            if at < 0:
                self._carry = self._carry[-len(SYNCPOINT) :]
                return
            data = bytes(min(self._passed_bytes, FILLER_BYTES)) + self._carry[at:]
            self._carry, self._must_resync = b"", False
        self._write(data)

    def _take_header(self, data: bytes) -> bytes:
        self._header += data
        at = self._header.find(SYNCPOINT)
        if at >= 0:
            self._header, self._header_is_whole = self._header[:at], True
        elif len(self._header) > HEADER_BYTES:
            self._header_is_whole = True  # not NUT as we know it: a new child may not find its way in
        return data

    def _write(self, data: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None or process.stdin.is_closing():
            self._must_resync = self._header_is_whole
            return
        if process.stdin.transport.get_write_buffer_size() > BACKLOG_BYTES:
            log.warning("picture_child_wedged", backlog_bytes=BACKLOG_BYTES)
            process.kill()
            return
        process.stdin.write(data)

    async def set_interval(self, interval: float | None) -> None:
        """Take pictures at another interval from now on, with a new child on the same clock."""
        self.interval = interval
        if self._process is not None and self._process.returncode is None:
            self._delay, self._is_replaced = 0.0, True
            self._process.kill()

    async def _follow(self, process: Process) -> None:
        """Read what the child says until it dies, then put another in its place."""
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - both are pipes
        complaints = asyncio.create_task(_last_words(process.stderr), name="picture child complaints")
        try:
            while line := await process.stdout.readline():
                self._hear(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("picture_child_unclear", error=str(error)[:200])
            process.kill()
        returncode = await process.wait()
        complaint = await complaints
        if self._ending:
            return
        if not self._is_replaced:
            log.warning("picture_child_gone", returncode=returncode, error=complaint or None)
        self._is_replaced = False
        await asyncio.sleep(self._delay)
        self._delay = min(max(self._delay * 2, RESTART_SECONDS[0]), RESTART_SECONDS[1])
        if not self._ending:
            await self.start()

    def _hear(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "streams":
                self.emit(VideoSeen(video=event["video"]))
            case "clock" if self._clock is None:
                self._clock = ClockSet(anchor=event["anchor"], first=event["first"])
                self.emit(self._clock)
            case "picture":
                self._last_picture = event["pts"]
                self._delay = RESTART_SECONDS[0]
                self.emit(
                    FileClosed(
                        kind=Kind.SNAPSHOT,
                        path=self.folder / event["file"],
                        start=event["pts"],
                        end=event["pts"],
                        width=event["width"],
                        height=event["height"],
                    )
                )
            case "packet":
                self.emit(MediaSeen(pts=event["pts"]))
            case "long_gop":
                self.emit(RunOutgrown(all_packets=True))
            case "undecodable":
                self.emit(Undecodable(pts=event["pts"], error=event["error"]))

    async def end(self) -> None:
        """Let the child finish what it was fed, at most for END_SECONDS, and see it gone."""
        self._ending = True
        process = self._process
        if process is None:
            return
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                if self._reading is not None:
                    await self._reading
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        finally:
            if self._reading is not None:
                await asyncio.gather(self._reading, return_exceptions=True)
            await process.wait()
