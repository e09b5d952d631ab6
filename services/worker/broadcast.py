"""One session's capture from its first packet to its last object: the worker's main line."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.domain import times
from services.domain.artifact import Kind
from services.domain.capture import CapturePlan
from services.domain.clock import Clock
from services.domain.errors import LeaseLost, StateUnavailable
from services.domain.manifest import Gap, Part
from services.domain.secrets import Secret
from services.domain.session import Publisher, Reason, Session, SessionState
from services.worker.capture_run import CaptureRun
from services.worker.ending import Ending
from services.worker.events import CaptureEvent, ClockSet, FileClosed, MediaSeen, Undecodable, VideoSeen
from services.worker.following import Following
from services.worker.lane import Lane, Waiting
from services.worker.ledger import Ledger
from services.worker.manifest_keeper import ManifestKeeper
from services.worker.playlists import Playlists
from services.worker.recovery import PartFiles
from services.worker.tenure import Tenure

log = structlog.get_logger()

QUICK_SECONDS = 1.0
"""A run that ends sooner than this without media counts as a failure: the next one waits."""
ROOM_SECONDS = 2.0
"""How often the spool's disk is looked at: what must stay free is room for state, manifest and the last files."""
BACKOFF_SECONDS = (0.2, 1.0)


@dataclass(slots=True, kw_only=True)
class Broadcast:
    """Runs ffmpeg again and again while the session is open; each run that brings media is a part.

    `missing_cause` says why media is missing between the last part and the next, when the publisher stayed.
    """

    following: Following
    tenure: Tenure
    manifest: ManifestKeeper
    playlists: Playlists
    lanes: dict[Kind, Lane]
    ledger: Ledger
    ending: Ending
    clock: Clock
    source: Secret
    folder: Path
    min_free_bytes: int
    stop: asyncio.Event
    missing_cause: str = "worker_lost"
    _run: CaptureRun | None = None
    _run_number: int = 0
    _files: PartFiles | None = None
    _last_pts: float = 0.0
    _sound_only: bool = False
    _missed: bool = False
    _delay: float = BACKOFF_SECONDS[0]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> bool:
        """Capture until the session is due to end (True), or this worker has to go before that (False)."""
        while not (self.stop.is_set() or self.following.due.is_set() or self.tenure.lost.is_set()):
            if not await self._has_room():
                await self._first_of(self._pause(ROOM_SECONDS))
                continue
            await self._capture_once()
        return self.following.due.is_set() and not self.tenure.lost.is_set()

    async def _capture_once(self) -> None:
        """Run ffmpeg until it ends, or has to."""
        began = asyncio.get_running_loop().time()
        plan = self.following.plan()
        self.following.replanned.clear()
        run = self._run = self._new_run(plan)
        await run.start()
        log.debug("capture_listening", run=self._run_number)
        ended = asyncio.create_task(run.wait(), name="capture run")
        while not ended.done():
            await self._first_of(ended, self.following.replanned.wait(), self._pause(ROOM_SECONDS))
            replan = self.following.replanned.is_set() and not await self._adapt(run)
            if self._must_end() or replan or self._free_bytes() < self.min_free_bytes:
                await run.stop()
                break
        returncode = await ended
        # The first try of each stream expects video; what has none is tried again by its sound.
        self._sound_only = run.found_no_stream and self._files is None and not run.sound_only
        had_media = self._files is not None
        await self._end_part(returncode)
        if not had_media and not self._must_end() and not self.following.replanned.is_set():
            quick = asyncio.get_running_loop().time() - began < QUICK_SECONDS
            await self._nothing_came(quick=quick)

    def _must_end(self) -> bool:
        return self.stop.is_set() or self.following.due.is_set() or self.tenure.lost.is_set()

    def _new_run(self, plan: CapturePlan) -> CaptureRun:
        self._run_number += 1
        return CaptureRun(
            source=self.source,
            media=plan.media,
            image_seconds=plan.image_seconds,
            sound_only=self._sound_only,
            folder=self.folder / f"e{self.tenure.lease.epoch:04d}-r{self._run_number:06d}",
            emit=self._happened,
        )

    async def _adapt(self, run: CaptureRun) -> bool:
        """Apply a changed plan to the running ffmpeg; say False where it takes a new one."""
        self.following.replanned.clear()
        plan = self.following.plan()
        self.playlists.list_size = plan.hls_list_size
        if plan.media != run.media:
            self.missing_cause = "not_listening"
            log.info("capture_replanned")
            return False
        if plan.image_seconds != run.image_seconds:
            await run.set_image_seconds(plan.image_seconds)
        return True

    async def _first_of(self, *others: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
        """Wait until one of `others` is done or the worker has to end."""
        events = (self.stop, self.following.due, self.tenure.lost)
        mine = [asyncio.ensure_future(event.wait()) for event in events]
        mine += [asyncio.ensure_future(other) for other in others if not isinstance(other, asyncio.Task)]
        tasks = [other for other in others if isinstance(other, asyncio.Task)]
        try:
            await asyncio.wait([*mine, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in mine:
                task.cancel()
            await asyncio.gather(*mine, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _has_room(self) -> bool:
        """Say whether the spool has room; say so in the session's state where it has not."""
        free = self._free_bytes()
        if free >= self.min_free_bytes:
            return True
        self.missing_cause = "disk_full"
        detail = f"{free} bytes are free where {self.min_free_bytes} are needed; make room on the spool's disk"
        await self._report(Reason(code="disk_full", detail=detail, since=self.clock.now()))
        return False

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    async def _nothing_came(self, *, quick: bool) -> None:
        """Say so if a publisher is connected and silent, and do not try again too fast."""
        await self.following.read()
        self._missed = self.following.session.publisher is not None
        if self._missed and not quick:
            detail = "the publisher is connected and sends nothing that can be captured"
            await self._report(Reason(code="publisher_silent", detail=detail, since=self.clock.now()))
        if quick:
            await self._first_of(self._pause(self._delay))
            self._delay = min(self._delay * 2, BACKOFF_SECONDS[1])

    async def _report(self, reason: Reason) -> None:
        """Put a reason into the session's state, once."""

        def mark(session: Session) -> Session | None:
            known = session.state_reason is not None and session.state_reason.code == reason.code
            return None if known or not session.state.is_open else session.troubled(reason)

        try:
            await self.following.change(mark)
        except StateUnavailable as error:
            log.warning("state_away", error=str(error))
        self.manifest.set(state=self.following.session.state, state_reason=self.following.session.state_reason)

    def _happened(self, event: CaptureEvent) -> None:
        """Take what a run tells; this never waits."""
        match event:
            case ClockSet():
                self._begin_part(event)
            case VideoSeen() if self._files is not None:
                self.manifest.change_part(self._files.number, video=event.video)
            case MediaSeen():
                self._last_pts = max(self._last_pts, event.pts)
            case Undecodable():
                log.warning("picture_undecodable", pts=event.pts, error=event.error[:200])
            case FileClosed():
                self._take(event)

    def _begin_part(self, clock: ClockSet) -> None:
        assert self._run is not None  # noqa: S101 - it is a run that speaks
        number = len(self.manifest.head.parts)
        folder = self._run.folder
        self._files = PartFiles(number=number, anchor=clock.anchor, first=clock.first, folder=folder)
        self._last_pts = clock.first
        part = Part(number=number, started_at=times.utc(clock.anchor + clock.first))
        self._delay = BACKOFF_SECONDS[0]
        self.ledger.part(number, clock, folder)
        previous_end, cause = self.manifest.last_end(), self.missing_cause
        self.manifest.begin_part(part)
        self.missing_cause, missed, self._missed = "ffmpeg_lost", self._missed, False
        log.info("part_began", part=number)
        task = asyncio.create_task(self._went_live(part, previous_end, cause, missed=missed), name="went live")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _went_live(self, part: Part, previous_end: datetime | None, cause: str, *, missed: bool) -> None:
        """Record that media arrives, and declare what is missing before it."""
        try:
            await self.following.change(
                lambda session: (
                    session.went_live()
                    if session.state.is_open and (session.state is not SessionState.LIVE or session.state_reason)
                    else None
                )
            )
        except StateUnavailable as error:
            log.warning("state_away", error=str(error))
        self.manifest.set(state=self.following.session.state, state_reason=self.following.session.state_reason)
        publisher = self.following.session.publisher
        if publisher is not None and missed:
            publisher = replace(publisher, listening=False)
        for gap in missing_before(part, previous_end, publisher, self._outputs(), cause):
            self.manifest.declare_gap(gap)

    def _outputs(self) -> tuple[str, ...]:
        plan = self.following.plan()
        on = {
            "snapshots": plan.image_seconds,
            "recordings": plan.media.recording_seconds,
            "hls": plan.media.segment_seconds,
        }
        return tuple(name for name, seconds in on.items() if seconds is not None)

    def _take(self, file: FileClosed) -> None:
        """Note a closed file and send it on its lane."""
        files = self._files
        if files is None:
            log.warning("file_without_clock", file=file.path.name)
            return
        if file.kind is not Kind.SNAPSHOT and file.start < files.first:
            # ffmpeg calls the start of the very first file 0, whenever its first packet came.
            file = replace(file, start=files.first)
        files.close(file)
        self._last_pts = max(self._last_pts, file.end)
        self.ledger.closed(files.number, file)
        self.lanes[file.kind].put(Waiting(file, files.number, files.anchor))

    async def _end_part(self, returncode: int) -> None:
        await asyncio.gather(*self._tasks)
        files = self._files
        if files is None:
            return
        for file in await files.open_files():
            self._take(file)  # an ffmpeg that was killed closed nothing
        self.manifest.change_part(files.number, ended_at=times.utc(files.anchor + self._last_pts))
        log.info("part_ended", part=files.number, returncode=returncode)
        self._files = None

    async def finish(self, *, due: bool) -> None:
        """Ship what is left, then end the session if it is due; LeaseLost and the deadline cut this short."""
        if self.tenure.lost.is_set():
            raise LeaseLost
        for lane in self.lanes.values():
            await lane.close()
        await self.ending.shipped()
        if due:
            await self.ending.end()
        else:
            await self.ending.suspend()


def missing_before(
    part: Part, previous_end: datetime | None, publisher: Publisher | None, outputs: tuple[str, ...], cause: str
) -> list[Gap]:
    """Give the gaps between the last part and this one, or between the publisher's acceptance and the first part.

    What a publisher sent before the worker listened is a gap of its own; `cause` is why a publisher who stayed
    was not captured.
    """
    unheard_since = publisher.accepted_at if publisher is not None and not publisher.listening else None
    if previous_end is None:
        missing = [(unheard_since, part.started_at, "not_listening")]
    elif publisher is None or publisher.accepted_at <= previous_end:
        missing = [(previous_end, part.started_at, cause)]
    else:
        missing = [
            (previous_end, unheard_since or part.started_at, "publisher_away"),
            (unheard_since, part.started_at, "not_listening"),
        ]
    return [
        Gap(started_at=began, ended_at=ended, outputs=outputs, cause=why)
        for began, ended, why in missing
        if began is not None and ended > began
    ]
