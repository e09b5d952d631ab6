"""The sweeper: keeps the backlog in its bounds, and off where the disk is full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from services.domain.errors import GatewayUnavailable
from services.gateway.backlog.bounds import Bounds
from services.gateway.backlog.folder import Folder, Recording
from services.gateway.backlog.listing import Listing
from services.gateway.backlog.timing import Timing
from services.gateway.nginx_client import NginxClient
from services.runtime.threads import in_thread

log = structlog.get_logger()

SWEEP_SECONDS = 1.0
"""How soon a disk that fills is seen: what is recorded meanwhile, and what others write, must fit into the reserve."""


@dataclass(slots=True, kw_only=True)
class Sweeper:
    """Looks once a second, in a thread of its own: a disk that hangs keeps nobody else waiting."""

    folder: Folder
    bounds: Bounds
    timing: Timing
    listing: Listing
    nginx: NginxClient
    _is_off: bool = False
    _is_trouble_told: bool = False

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
                self._is_trouble_told = False
            except (OSError, GatewayUnavailable) as error:
                if not self._is_trouble_told:
                    log.warning("backlog_not_swept", error=str(error))
                self._is_trouble_told = True
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Look once, and have nginx close what it must; raise OSError, or GatewayUnavailable."""
        cut, stopped = await in_thread(self._look)
        for each in stopped:
            await self.nginx.stop_recording(each.name.boot, each.name.channel_id)
        for each in cut:
            log.info("recording_cut", channel=each.name.channel_id, bytes=each.bytes)
            await self.nginx.stop_recording(each.name.boot, each.name.channel_id)
            await self.nginx.start_recording(each.name.boot, each.name.channel_id)

    def _look(self) -> tuple[Sequence[Recording], Sequence[Recording]]:
        """Give what nginx has to cut, and what it has to write no more."""
        self.turn()
        contents = self.folder.contents()
        verdict = self.bounds.judge(
            contents, free_bytes=self.folder.free_bytes, now=time.time(), is_sound=self.listing.is_sound_alone
        )
        _delete(verdict.deleted)
        for admission in verdict.outlived:
            (self.folder.recording / str(admission)).unlink(missing_ok=True)
        for each in contents.recordings:
            if each.is_open:
                self._time(each)
        names = {str(each.name) for each in contents.recordings} - {str(each.name) for each in verdict.deleted}
        self.timing.keep(names)
        self.listing.keep(names)
        return verdict.cut, self._emptied()

    def turn(self) -> None:
        """Let nginx record where the disk has the reserve, and nothing where it has not; raise OSError."""
        is_short = self.bounds.seconds == 0 or self.folder.free_bytes < self.bounds.reserve_bytes
        if is_short:
            self.folder.shut()
        elif not self.folder.is_open:
            self.folder.open()
        if is_short != self._is_off and self.bounds.seconds:
            log.warning("backlog_off" if is_short else "backlog_on", free_bytes=self.folder.free_bytes)
        self._is_off = is_short

    def _time(self, recording: Recording) -> None:
        try:
            self.timing.look(recording)
        except FileNotFoundError:
            return

    def _emptied(self) -> Sequence[Recording]:
        """Delete what nobody shall read any more; give what nginx still writes."""
        still: list[Recording] = []
        for folder in self.folder.emptied:
            contents = self.folder.contents(folder)
            for admission in contents.admissions:
                (folder / str(admission)).unlink(missing_ok=True)
            _delete(each for each in contents.recordings if not each.is_open)
            still += (each for each in contents.recordings if each.is_open)
            if not still and not any(folder.iterdir()):
                folder.rmdir()
        return still


def _delete(recordings: Iterable[Recording]) -> None:
    for each in recordings:
        each.path.unlink(missing_ok=True)
