"""How a session ends: everything shipped, playlists closed, manifest final, and state last."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from services.domain import keys
from services.domain.clock import Clock
from services.domain.errors import VersionConflict
from services.domain.event import Event
from services.domain.manifest import Gap
from services.worker.capture.parts import Parts
from services.worker.delivery.delivery import Delivery
from services.worker.delivery.patience import Patience
from services.worker.following import Following

log = structlog.get_logger()

UNHEARD = timedelta(seconds=0.5)
"""By how much the publisher's departure may come after the last part without a part of it missing."""


@dataclass(slots=True, kw_only=True)
class Ending:
    """Finalises or suspends; each step may be done again by the next worker, should this one die in between."""

    following: Following
    delivery: Delivery
    state_patience: Patience
    parts: Parts
    clock: Clock
    folder: Path

    async def shipped(self) -> None:
        """Wait until the lanes, which take no more, are empty, and the newest picture is shown."""
        self.delivery.latest.close()
        await asyncio.gather(*self.delivery.finishing)

    async def suspend(self) -> None:
        """Leave the session open for a successor: the manifest says how far it came."""
        await self.delivery.patience.until_done(self.delivery.playlists.flush)
        await self.delivery.patience.until_done(self.delivery.manifest.write)
        await self.delivery.patience.until_done(self.delivery.sprites.write)
        await self._told()
        log.info("session_suspended", session=self.following.session.id)

    async def end(self) -> None:
        """End the session."""
        ended_at = self._ended_at()
        await self.delivery.patience.until_done(self.delivery.playlists.end)
        await self.delivery.patience.until_done(self.delivery.sprites.write)
        self.delivery.manifest.end(ended_at)
        await self.delivery.patience.until_done(self.delivery.manifest.write)
        await self._told()  # before the folder goes, and before state says that no worker is needed any more
        await self.state_patience.blocking(partial(self._record_end, ended_at))
        shutil.rmtree(self.folder, ignore_errors=True)
        log.info("session_ended", session=self.following.session.id, counts=self.delivery.manifest.head.totals)

    async def _told(self) -> None:
        """Wait until the outbox has all that happened."""
        if self.following.news.feeder is not None:
            await self.following.news.feeder.flush()

    def _ended_at(self) -> datetime:
        """Give the end of the broadcast; what was on air after the last part is declared missing."""
        session, last = self.following.session, self.delivery.manifest.last_end()
        left = session.absent_since and self.parts.steady.of_wall(
            session.absent_since, since=last or session.started_at
        )
        if left is not None and (last is None or left - last > UNHEARD):
            self.delivery.manifest.declare_gap(
                Gap(
                    started_at=last or session.started_at,
                    ended_at=left,
                    outputs=self.following.plan().outputs(),
                    cause=self.parts.missing_cause if last is not None else "undecodable",
                )
            )
        return max((moment for moment in (left, last) if moment is not None), default=self.clock.now())

    def _events(self) -> Sequence[Event]:
        """Give what tells of the end."""
        news, session = self.following.news, self.following.session
        if news.feeder is None:
            return []
        vod = keys.vod_playlist(session.channel_id, session.id) if self.delivery.playlists.has_vod else None
        return [news.feeder.next_event(news.ended(self.delivery.manifest.head, vod))]

    def _record_end(self, ended_at: datetime) -> None:
        """Record the end, and where the channel's next live playlist goes on."""
        sessions = self.following.sessions
        while True:
            session = sessions.get(self.following.session.id)
            if not session.state.is_open:
                return
            air = sessions.air(session.channel_id)
            parts = len(self.delivery.manifest.head.parts)
            freed = air.changed(
                session_id=None if air.session_id == session.id else air.session_id,
                media_sequence=self.delivery.preparing.next_sequence,
                discontinuity_sequence=session.discontinuity_sequence + parts,
            )
            try:
                sessions.save(session=session.ended(ended_at), air=freed, events=self._events())
            except VersionConflict:
                continue
            return
