"""The watch: compares state with what nginx itself says, because callbacks are only hints."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.domain import admission
from services.domain.errors import ChannelNotFound, GatewayUnavailable, PublishRefused, StateUnavailable
from services.domain.ports import LeaseStore
from services.domain.session import Close, Session
from services.gateway.desk import Desk
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.gateway.nginx_client import Census, NginxClient
from services.gateway.workers import Workers

log = structlog.get_logger()

SIGHTINGS = 2
"""How many sweeps in a row must agree before a missing publisher is declared gone or an unknown one is cut."""
SETTLING = timedelta(seconds=4)
"""How long after its acceptance a publisher may be missing from /stat: it is held, and then it starts."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Keeps state true: publishers lost or never admitted, channels that may not be on air, workers missing."""

    desk: Desk
    leases: LeaseStore
    nginx: NginxClient
    listeners: Listeners
    launches: Launches
    workers: Workers
    sweep_seconds: float
    _missing: dict[str, int] = field(default_factory=dict)
    _unknown: dict[tuple[str, str], int] = field(default_factory=dict)

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that finds state or nginx away is tried again at the next."""
        while True:
            try:
                await self.sweep()
            except (StateUnavailable, GatewayUnavailable) as error:
                log.warning("sweep_skipped", error=str(error))
            await asyncio.sleep(self.sweep_seconds)

    async def sweep(self) -> None:
        """Compare once."""
        sessions = await asyncio.to_thread(self.desk.sessions.open_sessions)
        census = await self._census()
        self._hear_players(census, sessions)
        for session in sessions:
            await self._check_publisher(session, census)
            await self._check_standing(session)
            await self._check_worker(session)
        await self._cut_unknown(census, sessions)
        open_ids = frozenset(session.id for session in sessions)
        self.launches.forget(open_ids)
        self._missing = {key: count for key, count in self._missing.items() if key in open_ids}

    async def look_at(self, channel_id: str) -> None:
        """Apply a channel's changed state at once."""
        session_id = (await asyncio.to_thread(self.desk.sessions.air, channel_id)).session_id
        if session_id is None:
            return
        session = await asyncio.to_thread(self.desk.sessions.get, session_id)
        await self._check_standing(session)
        await self.workers.refresh(session)

    async def _census(self) -> Census:
        try:
            return await self.nginx.census()
        except GatewayUnavailable:
            # An nginx that is gone took its publishers with it: an empty life, so that they are found missing.
            return Census(boot="", streams={})

    def _hear_players(self, census: Census, sessions: Sequence[Session]) -> None:
        if not census.boot:
            self.listeners.replace_all({})
            return
        by_channel = {session.channel_id: session.id for session in sessions}
        self.listeners.replace_all(
            {
                player: by_channel[name]
                for name, stream in census.streams.items()
                if name in by_channel
                for player in stream.players
            }
        )

    async def _check_publisher(self, session: Session, census: Census) -> None:
        publisher = session.publisher
        if publisher is None or not publisher.gateway.startswith(f"{self.desk.gateway_name}/"):
            return
        stream = census.streams.get(session.channel_id)
        is_there = (
            publisher.gateway == self.desk.gateway(census.boot)
            and stream is not None
            and stream.publisher == publisher.client_id
        )
        settling = self.desk.clock.now() < publisher.accepted_at + SETTLING
        if is_there or settling:
            self._missing.pop(session.id, None)
            return
        self._missing[session.id] = self._missing.get(session.id, 0) + 1
        if self._missing[session.id] >= SIGHTINGS:
            log.warning("publisher_found_missing", channel=session.channel_id, session=session.id)
            await asyncio.to_thread(self.desk.lost, session.id, publisher.gateway, publisher.client_id)
            del self._missing[session.id]

    async def _check_standing(self, session: Session) -> None:
        """Cut a session whose channel may no longer be on air."""
        if session.close is Close.STOP:
            await self._drop(session)
            return
        try:
            channel = await asyncio.to_thread(self.desk.channels.get, session.channel_id)
            air = await asyncio.to_thread(self.desk.sessions.air, session.channel_id)
            admission.check_standing(channel, air, self.desk.clock.now())
        except ChannelNotFound:
            refusal = "deleted"
        except PublishRefused as error:
            refusal = error.code
        else:
            return
        log.info("session_cut", channel=session.channel_id, session=session.id, reason=refusal)
        stopped = await asyncio.to_thread(
            self.desk.change, session.id, lambda current: current.asked_to_close(Close.STOP)
        )
        await self._drop(session)
        await self.workers.refresh(stopped or session)

    async def _drop(self, session: Session) -> None:
        if session.publisher is not None:
            await self.nginx.drop_publisher(session.channel_id)

    async def _check_worker(self, session: Session) -> None:
        lease = await asyncio.to_thread(self.leases.get, session.id)
        if lease is not None and lease.is_valid(self.desk.clock.now()):
            self.launches.recovered(session.id)
            return
        running = self.launches.launcher.running()
        if running is None or session.id not in running:
            self.launches.order(session)

    async def _cut_unknown(self, census: Census, sessions: Sequence[Session]) -> None:
        """Cut publishers that no session knows: nobody authorised them, or state forgot."""
        known = {
            (session.channel_id, session.publisher.client_id) for session in sessions if session.publisher is not None
        }
        seen = {
            (name, stream.publisher)
            for name, stream in census.streams.items()
            if stream.publisher is not None and (name, stream.publisher) not in known
        }
        self._unknown = {key: self._unknown.get(key, 0) + 1 for key in seen}
        for name, _client in [key for key, count in self._unknown.items() if count >= SIGHTINGS]:
            log.warning("unknown_publisher_cut", channel=name)
            await self.nginx.drop_publisher(name)
