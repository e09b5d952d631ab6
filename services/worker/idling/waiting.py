"""The wait in the warm pool: an idle worker's row is offered until somebody has claimed it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import structlog

from services.domain.clock import Clock
from services.domain.errors import StateUnavailable, VersionConflict
from services.domain.pool import BEAT_SECONDS, IdleWorker, WorkerPool
from services.runtime.beat import until_beat
from services.runtime.first_of import first_of

log = structlog.get_logger()

LOOK_SECONDS = 2.0
"""How often the row is read: a call that tells of a claim may be lost."""


@dataclass(slots=True, kw_only=True)
class Waiting:
    """Keeps the row of `worker` fresh; `told` makes it look at once, and `over` is set at the end of the wait.

    `claimed` is its row once it is somebody's.
    """

    pool: WorkerPool
    clock: Clock
    worker: IdleWorker
    stop: asyncio.Event
    told: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    claimed: IdleWorker | None = None
    _due: float = 0.0
    _is_away: bool = False

    async def run(self) -> IdleWorker | None:
        """Give the row once it is claimed; None where this worker is asked to go before that."""
        try:
            while self.claimed is None:
                if self.stop.is_set() and await self._is_withdrawn():
                    log.info("pool_left", worker=self.worker.id)
                    return None
                self.told.clear()
                await self._look()
                if self.claimed is None:
                    await first_of(self.told.wait(), self.stop.wait(), asyncio.sleep(until_beat(LOOK_SECONDS)))
        finally:
            self.over.set()
        log.info("claimed", worker=self.worker.id, channel=self.claimed.channel_id, session=self.claimed.session_id)
        return self.claimed

    async def _look(self) -> None:
        """Offer the row where that is due, or read it; state's absence changes nothing."""
        try:
            now = asyncio.get_running_loop().time()
            if now >= self._due:
                await asyncio.to_thread(self.pool.offer, replace(self.worker, seen_at=self.clock.now()))
                self._due = now + BEAT_SECONDS - LOOK_SECONDS / 2
            else:
                await self._read()
        except VersionConflict:
            await self._read_after_conflict()
        except StateUnavailable as error:
            self._missed(error)
        else:
            self._is_away = False

    async def _read(self) -> None:
        row = await asyncio.to_thread(self.pool.get, self.worker.id)
        if row is None:  # somebody thought this worker dead
            self._due = 0.0
        elif row.is_claimed:
            self.claimed = row

    async def _read_after_conflict(self) -> None:
        try:
            await self._read()
        except StateUnavailable as error:
            self._missed(error)

    def _missed(self, error: StateUnavailable) -> None:
        if not self._is_away:
            log.warning("state_away", error=str(error))
        self._is_away = True

    async def _is_withdrawn(self) -> bool:
        """Take the row back, and say whether nobody was quicker; what state's absence leaves, others find dead."""
        try:
            await asyncio.to_thread(self.pool.remove, self.worker.id, unless_claimed=True)
        except VersionConflict:
            return False
        except StateUnavailable as error:
            self._missed(error)
        return True
