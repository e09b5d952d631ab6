"""One session's capture from its first packet to its last object: the worker's main line."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from services.domain.capture import MediaPlan
from services.domain.clock import Clock
from services.domain.errors import LeaseLost
from services.domain.secrets import Secret
from services.domain.session import Reason
from services.worker.capture_run import CaptureRun
from services.worker.ending import Ending
from services.worker.following import Following
from services.worker.manifest_keeper import ManifestKeeper
from services.worker.parts import Parts
from services.worker.playlists import Playlists
from services.worker.tenure import Tenure

log = structlog.get_logger()

QUICK_SECONDS = 1.0
"""A run that ends sooner than this without media counts as a failure: the next one waits."""
ROOM_SECONDS = 2.0
"""How often the spool's disk is looked at: what must stay free is room for state, manifest and the last files."""
BACKOFF_SECONDS = (0.2, 1.0)
HOPELESS_SECONDS = 8.0
FAILURES_TOLD = 3
"""After so many runs without media a connected publisher is said to send nothing that can be captured."""


@dataclass(slots=True, kw_only=True)
class Broadcast:
    """Runs ffmpeg again and again while the session is open; `stop` asks the worker to go before that.

    `source` is where to pull from, with the session's token; at least `min_free_bytes` of `folder`'s disk stay free.
    """

    following: Following
    tenure: Tenure
    manifest: ManifestKeeper
    playlists: Playlists
    parts: Parts
    ending: Ending
    clock: Clock
    source: Secret
    folder: Path
    min_free_bytes: int
    stop: asyncio.Event
    _run_number: int = 0
    _sound_only: bool = False
    _delay: float = BACKOFF_SECONDS[0]
    _failures: int = 0

    async def run(self) -> bool:
        """Capture until the session is due to end (True), or this worker has to go before that (False)."""
        while not self._must_end():
            if not self._has_room():
                await self._say_disk_full()
                await self._first_of(asyncio.sleep(ROOM_SECONDS))
            else:
                await self._capture_once()
        return self.following.due.is_set() and not self.tenure.lost.is_set()

    async def finish(self, *, due: bool) -> None:
        """Ship what is left, then end the session if it is due; LeaseLost and the deadline cut this short."""
        if self.tenure.lost.is_set():
            raise LeaseLost
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
        self.following.replanned.clear()
        await self.playlists.adapt(self.following.plan())
        self.parts.outgrown.clear()
        run = self._new_run()
        await run.start()
        ended = asyncio.create_task(run.wait(), name="capture run")
        while not ended.done():
            changes = (self.following.replanned.wait(), self.parts.outgrown.wait())
            await self._first_of(ended, *changes, asyncio.sleep(ROOM_SECONDS))
            if self._must_end() or self._is_outgrown() or not await self._adapt(run) or not self._has_room():
                await run.stop()
                break
        returncode = await ended
        had_media = self.parts.is_open
        # The first try of each stream expects video; what has none is tried again by its sound.
        self._sound_only = run.found_no_stream and not had_media and not run.sound_only
        await self.parts.close(returncode, run.folder)
        if had_media:
            self._delay, self._failures = BACKOFF_SECONDS[0], 0
        elif not self._must_end():
            await self._nothing_came(quick=asyncio.get_running_loop().time() - began < QUICK_SECONDS)

    def _must_end(self) -> bool:
        return self.stop.is_set() or self.following.due.is_set() or self.tenure.lost.is_set()

    def _new_run(self) -> CaptureRun:
        self._run_number += 1
        plan = self.following.plan()
        folder = self.folder / f"e{self.tenure.lease.epoch:04d}-r{self._run_number:06d}"
        return CaptureRun(
            source=self.source,
            media=self._media(),
            image_seconds=plan.image_seconds,
            sound_only=self._sound_only,
            folder=folder,
            emit=partial(self.parts.take, folder=folder),
        )

    def _is_outgrown(self) -> bool:
        if self.parts.outgrown.is_set():
            self.parts.missing_cause = "not_listening"
            return True
        return False

    async def _adapt(self, run: CaptureRun) -> bool:
        """Apply a changed plan to the running ffmpeg; say False where it takes a new one."""
        if not self.following.replanned.is_set():
            return True
        self.following.replanned.clear()
        plan, media = self.following.plan(), self._media()
        await self.playlists.adapt(plan)
        if replace(media, full_tap=media.full_tap or run.media.full_tap) != run.media:
            self.parts.missing_cause = "not_listening"
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

    def _media(self) -> MediaPlan:
        """Give the plan as this session can have it: its EXT-X-TARGETDURATION stands."""
        media = self.following.plan().media
        longest = self.playlists.target
        seconds = media.segment_seconds
        return replace(
            media,
            segment_seconds=seconds if seconds is None or longest is None else min(seconds, longest / 1.5),
            full_tap=media.full_tap or self.parts.needs_all_packets,
        )

    def _has_room(self) -> bool:
        return self._free_bytes() >= self.min_free_bytes

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    async def _say_disk_full(self) -> None:
        self.parts.missing_cause = "disk_full"
        needed, free = self.min_free_bytes, self._free_bytes()
        detail = f"{free} bytes are free where {needed} are needed; make room on the spool's disk"
        await self._report("disk_full", detail)

    async def _nothing_came(self, *, quick: bool) -> None:
        """Say so if a publisher is connected and silent, and do not try again too fast."""
        await self.following.read()
        self.parts.missed = self.following.session.publisher is not None
        self._failures += 1
        if self.parts.missed and (not quick or self._failures >= FAILURES_TOLD):
            await self._report("publisher_silent", "the publisher is connected and sends nothing that can be captured")
        if quick:
            await self._first_of(asyncio.sleep(self._delay))
            # With a publisher there, its stream is what fails; without one, the gateway may be back any moment.
            longest = HOPELESS_SECONDS if self.parts.missed and self._failures >= FAILURES_TOLD else BACKOFF_SECONDS[1]
            self._delay = min(self._delay * 2, longest)

    async def _report(self, code: str, detail: str) -> None:
        """Say in the session's state and in the manifest why nothing is captured."""
        await self.following.report(Reason(code=code, detail=detail, since=self.clock.now()))
        self.manifest.follow(self.following.session)
