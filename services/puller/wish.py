"""What is to be fetched, as state says it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from services.domain.admission import may_be_pulled
from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, Unavailable
from services.domain.ports import ChannelStore, Overview, SessionStore

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Wish:
    """One channel, read again and again; `changed` is set when its source, or whether to fetch it, has changed.

    While state is away the last reading stands.
    """

    channel_id: str
    overview: Overview
    channels: ChannelStore
    sessions: SessionStore
    clock: Clock
    reread_seconds: float
    channel: Channel | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await asyncio.sleep(self.reread_seconds)
            try:
                await self.read()
            except Unavailable as error:
                log.warning("wish_not_read", error=str(error))

    async def read(self) -> None:
        """Read; what a reading that may lag shows to be over is read where nothing lags."""
        seen = await asyncio.to_thread(self._seen)
        if seen is None:
            seen = await asyncio.to_thread(self._stored)
        before, self.channel = self.channel, seen
        if _source(before) != _source(seen):
            self.changed.set()

    def _seen(self) -> Channel | None:
        (standing,) = self.overview.of_channels([self.channel_id])
        return standing.channel if may_be_pulled(standing.channel, standing.air, self.clock.now()) else None

    def _stored(self) -> Channel | None:
        try:
            channel = self.channels.get(self.channel_id)
        except ChannelNotFound:
            return None
        return channel if may_be_pulled(channel, self.sessions.air(self.channel_id), self.clock.now()) else None


def _source(channel: Channel | None) -> str | None:
    return None if channel is None else channel.source_url
