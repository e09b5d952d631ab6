"""One session's capture from its first packet to its last object: the worker's main line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from services.domain.clock import Clock
from services.domain.errors import LeaseLost
from services.domain.session import Reason
from services.runtime.beat import until_beat
from services.worker.admission import Admission
from services.worker.capture.capture_run import CaptureRun
from services.worker.capture.parts import Parts
from services.worker.capture.restarts import Restarts
from services.worker.capture.room import LOOK_SECONDS, Room, Trouble
from services.worker.capture.runs import Runs
from services.worker.capture.silence import Silence
from services.worker.capture.snapshots import RunSnapshots
from services.worker.catching_up.catching_up import CatchingUp
from services.worker.delivery.ending import Ending
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.playlists import Playlists
from services.worker.following import Following
from services.worker.gateway_address import GatewayAddress
from services.worker.succession.standby import Standby
from services.worker.succession.tenure import Tenure

log = structlog.get_logger()

FAILURES_TOLD = 3
"""After so many runs without media a connected publisher is said to send nothing that can be captured."""
SILENT = Trouble(code="publisher_silent", detail="the publisher is connected and sends nothing that can be captured")


@dataclass(slots=True, kw_only=True)
class Broadcast:
    """Runs ffmpeg again and again while the session is open; `stop` asks the worker to go before that.

    `gateway` knows where to pull from; at least `min_free_bytes` of `folder`'s disk stay free. `standby` captures
    already where this worker relieves another.
    """

    following: Following
    tenure: Tenure
    manifest: ManifestKeeper
    playlists: Playlists
    parts: Parts
    ending: Ending
    clock: Clock
    gateway: GatewayAddress
    folder: Path
    min_free_bytes: int
    stop: asyncio.Event
    standby: Standby | None = None
    _runs: Runs = field(init=False)
    _admission: Admission = field(init=False)
    _restarts: Restarts = field(default_factory=Restarts)
    _silence: Silence = field(default_factory=Silence)
    _unreadable: str | None = None

    def __post_init__(self) -> None:
        """Make what begins the runs."""
        self._runs = Runs(
            following=self.following,
            tenure=self.tenure,
            playlists=self.playlists,
            parts=self.parts,
            gateway=self.gateway,
            folder=self.folder,
            standby=self.standby,
        )
        catching_up = CatchingUp(
            following=self.following,
            parts=self.parts,
            gateway=self.gateway,
            folder=self.folder,
            epoch=self.tenure.lease.epoch,
        )
        self._admission = Admission(runs=self._runs, catching_up=catching_up, stop=self.stop, lost=self.tenure.lost)

    def snapshots(self) -> RunSnapshots:
        """Give what takes pictures on demand."""
        return RunSnapshots(parts=self.parts, runs=self._runs, arrivals=self.ending.delivery.arrivals)

    async def run(self) -> bool:
        """Capture until the session is due to end (True), or this worker has to go before that (False)."""
        while self._runs.has_standby() or not self._must_end():
            trouble = None if self._runs.has_standby() else await self._trouble()
            if trouble is None:
                if not self._runs.has_standby():
                    await self._admission.without_run()
                await self._capture_once()
            else:
                await self._interrupted_by(trouble)
                await self._first_of(asyncio.sleep(LOOK_SECONDS))
        is_due = self.following.due.is_set() and not self.tenure.lost.is_set()
        if is_due:
            await self._admission.without_run()
        return is_due

    async def finish(self, *, due: bool) -> None:
        """Ship what is left, then end the session if it is due; LeaseLost and the deadline cut this short."""
        if self.tenure.lost.is_set():
            raise LeaseLost
        self.parts.settle()
        for lane in self.parts.lanes.values():
            await lane.close()
        await self.ending.shipped()
        if due:
            await self.ending.end()
        else:
            await self.ending.suspend()

    async def _capture_once(self) -> None:
        """Run ffmpeg until it ends, or has to."""
        began = asyncio.get_running_loop().time()
        try:
            run = await self._runs.begin()
        except OSError as error:
            log.warning("ffmpeg_not_started", error=str(error))
            await self._pause(lasted=0.0, had_media=False)
            return
        ended = asyncio.create_task(run.wait(), name="capture run")
        admission = self._admission.begin(run)
        trouble = await self._attend(run, ended)
        returncode = await ended
        await self._admission.end(run, admission)
        trouble = trouble or await self._trouble(run.folder)
        if self.tenure.lost.is_set():
            return  # what it left is not ours to ship any more
        if trouble is not None:
            await self._interrupted_by(trouble)
        had_media, self._unreadable = self.parts.is_open, run.unreadable
        # What has no video is tried again by its sound.
        self._runs.sound_only = run.found_no_stream and not had_media and not run.sound_only
        self._runs.has_ring = not run.found_no_h264 and (run.has_ring or not had_media)
        await self.parts.close(returncode, run.folder)
        if not self._must_end():
            if not had_media and returncode < 0:
                self.parts.missed = "ffmpeg_lost"
            await self._pause(lasted=asyncio.get_running_loop().time() - began, had_media=had_media)

    async def _attend(self, run: CaptureRun, ended: asyncio.Task[int]) -> Trouble | None:
        """Look after a running ffmpeg until it ends, and stop it when it has to; say so if the spool is why."""
        while not ended.done():
            changes = (self.following.replanned.wait(), self.parts.outgrown.wait(), self.following.arrived.wait())
            await self._first_of(ended, *changes, asyncio.sleep(await self._listen()))
            if self.tenure.lost.is_set():
                run.kill()
                break
            trouble = await self._trouble(run.folder)
            if not self._runs.adapt(run) or await self._has_moved():
                self._restarts.begin_anew()
                self.parts.is_replaced = True
                await run.stop()
                break
            if trouble is not None or self._must_end() or self._runs.is_outgrown():
                self.parts.is_replaced = trouble is None and not self._must_end()
                await run.stop()
                return trouble
        return None

    async def _has_moved(self) -> bool:
        """Say whether another publisher has come, to another gateway."""
        if not self.following.arrived.is_set():
            return False
        self.following.arrived.clear()
        self._restarts.begin_anew()
        return await self._runs.is_elsewhere()

    async def _listen(self) -> float:
        """Say so if the publisher is silent; give the seconds until it is to be looked at again."""
        session = self.following.session
        self.manifest.follow(session)
        now = asyncio.get_running_loop().time()
        left = self._silence.left(session.publisher, has_media=self._runs.hears_media, now=now)
        if left == 0:
            await self._say(self._silent())
        return min(until_beat(LOOK_SECONDS), left or LOOK_SECONDS)

    def _must_end(self) -> bool:
        return self.stop.is_set() or self.following.due.is_set() or self.tenure.lost.is_set()

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

    async def _trouble(self, run: Path | None = None) -> Trouble | None:
        """Say what is wrong with the spool, if anything is; not in the loop, because a disk may hang."""
        return await asyncio.to_thread(Room(folder=self.folder, min_free_bytes=self.min_free_bytes).trouble, run)

    async def _interrupted_by(self, trouble: Trouble) -> None:
        self.parts.missing_cause = "disk_full"
        await self._say(trouble)

    async def _pause(self, *, lasted: float, had_media: bool) -> None:
        """Wait as long as is good after a run, or until another publisher comes."""
        publisher, restarts = self.following.session.publisher, self._restarts
        if self.following.arrived.is_set():
            self.following.arrived.clear()
            restarts.begin_anew()
        if not had_media and publisher is not None:
            self.parts.missed = self.parts.missed or "not_listening"
        pause = restarts.after(lasted=lasted, had_media=had_media, is_published=publisher is not None)
        if publisher is not None and not had_media and restarts.failures >= FAILURES_TOLD:
            await self._say(self._silent())
        if pause:
            log.info("ffmpeg_waits", seconds=pause, failures=restarts.failures)
            await self._first_of(asyncio.sleep(pause), self.following.arrived.wait())

    def _silent(self) -> Trouble:
        """Say that nothing can be captured, and why if ffmpeg knows."""
        return SILENT if self._unreadable is None else replace(SILENT, detail=f"{SILENT.detail}: {self._unreadable}")

    async def _say(self, trouble: Trouble) -> None:
        """Say in the session's state, in the manifest and in the log why nothing is captured."""
        reason = self.following.session.state_reason
        if reason is not None and reason.code == trouble.code:
            return
        log.warning("capture_interrupted", code=trouble.code, detail=trouble.detail)
        publisher = self.following.session.publisher if trouble.code == SILENT.code else None
        reason = Reason(code=trouble.code, detail=trouble.detail, since=self.clock.now())
        await self.following.report(reason, of=publisher)
        self.manifest.follow(self.following.session)
