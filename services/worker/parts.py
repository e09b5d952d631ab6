"""The parts of a session as they happen: each run of ffmpeg that brings media is one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import structlog

from services.domain import times
from services.domain.artifact import Kind
from services.domain.manifest import Part
from services.worker.events import CaptureEvent, ClockSet, FileClosed, MediaSeen, RunOutgrown, Undecodable, VideoSeen
from services.worker.following import Following
from services.worker.gaps import missing_before
from services.worker.lane import Lane, Waiting
from services.worker.ledger import Ledger
from services.worker.manifest_keeper import ManifestKeeper
from services.worker.recovery import PartFiles

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Parts:
    """Turns what a run tells into parts, gaps, ledger lines and files on their lanes.

    `missing_cause` says why media is missing before the next part when the publisher stayed; `missed` that a publisher
    was not captured although the worker listened. `outgrown` is set when the present run has to be replaced, with
    every packet in its tap if `needs_all_packets`.
    """

    following: Following
    manifest: ManifestKeeper
    ledger: Ledger
    lanes: dict[Kind, Lane]
    missing_cause: str = "worker_lost"
    missed: bool = False
    needs_all_packets: bool = False
    outgrown: asyncio.Event = field(default_factory=asyncio.Event)
    _early: list[FileClosed] = field(default_factory=list)
    _files: PartFiles | None = None
    _last_pts: float = 0.0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Say whether the present run has brought media."""
        return self._files is not None

    def take(self, event: CaptureEvent, folder: Path) -> None:
        """Take what a run with its files in `folder` tells; this never waits."""
        match event:
            case ClockSet():
                self._open(event, folder)
            case VideoSeen() if self._files is not None:
                self.manifest.change_part(self._files.number, video=event.video)
            case MediaSeen():
                self._last_pts = max(self._last_pts, event.pts)
            case Undecodable():
                log.warning("picture_undecodable", pts=event.pts, error=event.error[:200])
            case RunOutgrown():
                self.needs_all_packets = self.needs_all_packets or event.all_packets
                self.outgrown.set()
            case FileClosed():
                self._ship(event)

    def _open(self, clock: ClockSet, folder: Path) -> None:
        number = len(self.manifest.head.parts)
        self._files = PartFiles(number=number, anchor=clock.anchor, first=clock.first, folder=folder)
        self._last_pts = clock.first
        self.ledger.part(number, clock, folder)
        part, previous_end = Part(number=number, started_at=self._time(clock.first)), self.manifest.last_end()
        self.manifest.begin_part(part)
        log.info("part_began", part=number)
        task = asyncio.create_task(
            self._went_live(part, previous_end, self.missing_cause, missed=self.missed), name="went live"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.missing_cause, self.missed = "ffmpeg_lost", False
        early, self._early = self._early, []
        for file in early:
            self._ship(file)

    async def _went_live(self, part: Part, previous_end: datetime | None, cause: str, *, missed: bool) -> None:
        """Record that media arrives, and declare what is missing before it."""
        await self.following.went_live()
        self.manifest.follow(self.following.session)
        publisher = self.following.session.publisher
        if publisher is not None and missed:
            publisher = replace(publisher, listening=False)
        for gap in missing_before(part, previous_end, publisher, self.following.plan().outputs(), cause):
            self.manifest.declare_gap(gap)

    def _ship(self, file: FileClosed) -> None:
        """Note a closed file and send it on its lane."""
        files = self._files
        if files is None:
            self._early.append(file)  # the picture child will say what time it is
            return
        if file.kind is not Kind.SNAPSHOT and file.is_first and file.start < files.first:
            # ffmpeg calls the start of the very first file 0, whenever its first packet came.
            file = replace(file, start=files.first)
        files.close(file)
        self._last_pts = max(self._last_pts, file.end)
        self.ledger.closed(files.number, file)
        self.lanes[file.kind].put(Waiting(file, files.number, files.anchor))

    async def close(self, returncode: int, folder: Path) -> None:
        """End the part of a run that is over; what a killed ffmpeg left open ships too."""
        if self._files is None and self._early:
            # The picture child never spoke: the last file was closed just now, so its end tells the time.
            anchor = time.time() - self._early[-1].end
            self._open(ClockSet(anchor=anchor, first=self._early[0].start), folder)
        await asyncio.gather(*self._tasks)
        if self._files is None:
            return
        open_files = await self._files.open_files()
        for file in open_files:
            self._ship(file)
        if returncode == 0:
            self.missing_cause = "publisher_away"  # nothing more came; an ffmpeg that is killed does not end so
        last = self._files.saved() if open_files else self._last_pts
        self.manifest.change_part(self._files.number, ended_at=self._time(last))
        log.info("part_ended", part=self._files.number, returncode=returncode)
        self._files = None

    def _time(self, pts: float) -> datetime:
        assert self._files is not None  # noqa: S101 - a part is open
        return times.utc(self._files.anchor + pts)
