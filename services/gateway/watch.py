"""The watch: compares state with what nginx itself says, because callbacks are only hints."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.domain.errors import GatewayUnavailable, Unavailable
from services.domain.session import Close, Publisher, Session
from services.gateway.charges import Charges
from services.gateway.desk import Desk
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.gateway.nginx_client import Census, NginxClient
from services.gateway.staffing import Staffing
from services.gateway.survey import Sight, Survey
from services.gateway.workers import Workers

log = structlog.get_logger()

RETRY_SECONDS = 2.0
"""How soon a sweep is tried again that found state away."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """Keeps state true: publishers lost or never admitted, channels that may not be on air, workers missing.

    nginx is always asked before state, so that a publisher it shows and state does not know was never admitted,
    or is admitted no more. `settling` is how long after its acceptance a publisher may be missing from nginx's
    list: it is held, then it starts.
    """

    desk: Desk
    survey: Survey
    charges: Charges
    nginx: NginxClient
    listeners: Listeners
    launches: Launches
    workers: Workers
    staffing: Staffing
    sweep_seconds: float
    settling: timedelta
    _gateway: str = ""

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that finds state away is tried again at the next."""
        while True:
            pause = self.sweep_seconds
            try:
                await self.sweep()
            except Unavailable as error:
                pause = min(pause, RETRY_SECONDS)  # a try costs little, and when state is back all shall be true soon
                self.staffing.state_was_away()
                log.warning("sweep_skipped", error=str(error))
            await asyncio.sleep(pause)

    async def sweep(self) -> None:
        """Compare once; what cannot be done for one session does not keep the others waiting."""
        census = await self._census()
        sights = await asyncio.to_thread(self.charges.sights, self.survey, census)
        self.desk.memory.keep_all(sight.session for sight in sights)
        open_sessions = frozenset(sight.session.id for sight in sights)
        self.launches.forget_all_but(open_sessions)
        self.staffing.forget_all_but(open_sessions)
        if census is not None:
            self._hear_players(census, sights)
        for sight in sights:
            try:
                await self._check_again(sight, census)
            except Unavailable as error:
                self.staffing.state_was_away()
                log.warning("check_skipped", channel=sight.session.channel_id, error=str(error))
        if census is not None:
            await self._cut_unknown(census, {sight.session.channel_id: sight for sight in sights})

    async def look_at(self, channel_id: str) -> None:
        """Apply a channel's changed state at once; raise Unavailable if state or nginx does not answer."""
        census = await self._census()
        sight = await asyncio.to_thread(self.survey.of_channel, channel_id)
        if sight is not None:
            await asyncio.gather(self._check(sight, census), self.workers.refresh(sight.session))
        if census is None:
            raise GatewayUnavailable
        await self._cut_if_unknown(census, channel_id, sight)

    async def _census(self) -> Census | None:
        try:
            census = await self.nginx.census()
        except GatewayUnavailable as error:
            log.warning("gateway_unavailable", error=str(error))
            return None
        if census.gateway != self._gateway:
            if not census.is_gone:
                log.info("gateway_found", gateway=census.gateway)
            elif self._gateway:
                log.warning("gateway_gone", gateway=self._gateway)
            self._gateway = census.gateway
        return census

    def _hear_players(self, census: Census, sights: Sequence[Sight]) -> None:
        by_channel = {sight.session.channel_id: sight.session.id for sight in sights}
        pulling = {player: by_channel.get(name) for name, stream in census.streams.items() for player in stream.players}
        self.listeners.reconcile(census.gateway, pulling, asked_at=census.asked_at_monotonic)

    async def _check_again(self, sight: Sight, census: Census | None) -> None:
        """Check what a sweep saw or, where anything follows from it, what is stored: a sweep may see the past."""
        now = self.desk.clock.now()
        if self._is_missing(sight.session, census) or sight.objection(now) is not None or not sight.has_worker(now):
            stored = await asyncio.to_thread(self.survey.of_session, sight.session.id)
            if stored is None:
                return
            sight = stored
        await self._check(sight, census)

    async def _check(self, sight: Sight, census: Census | None) -> None:
        session = sight.session
        publisher = session.publisher
        if publisher is not None and self._is_missing(session, census):
            log.warning("publisher_found_missing", channel=session.channel_id, session=session.id)
            await self._lost(session, publisher)
            publisher = None
        await self._check_standing(sight, publisher)
        if self.charges.includes(session):
            await self.staffing.check(sight, self.desk.clock.now())

    def _is_missing(self, session: Session, census: Census | None) -> bool:
        publisher = session.publisher
        if publisher is None or census is None:
            return False
        if not self.nginx.is_ours(publisher) or census.has(publisher, session.channel_id):
            return False
        if publisher.gateway != census.gateway:  # of another life; or of the next one, which began since the census
            return publisher.accepted_at < census.asked_at
        return publisher.accepted_at + self.settling < census.asked_at

    async def _lost(self, session: Session, publisher: Publisher) -> None:
        if await asyncio.to_thread(self.desk.lost, session.id, publisher.gateway, publisher.client_id) is not None:
            self.listeners.publisher_left(session.id)
            await self.workers.refresh(session)

    async def _check_standing(self, sight: Sight, publisher: Publisher | None) -> None:
        """End a session that may no longer be on air, and cut its publisher."""
        session = sight.session
        objection = sight.objection(self.desk.clock.now())
        if objection is None:
            return
        if session.close is not Close.STOP:
            log.info("session_cut", channel=session.channel_id, session=session.id, reason=objection)
            await asyncio.to_thread(self.desk.change, session.id, _stopped)
            await self.workers.refresh(session)
        if publisher is not None and self.nginx.is_ours(publisher):
            await self.nginx.drop_publisher(publisher.gateway, session.channel_id, publisher.client_id)

    async def _cut_unknown(self, census: Census, sights: Mapping[str, Sight]) -> None:
        """Cut publishers that no session knows; a session that the sweep did not see yet is asked for by name."""
        for channel_id in census.streams:
            if _stranger(census, channel_id, sights.get(channel_id)) is None:
                continue
            try:
                sight = await asyncio.to_thread(self.survey.of_channel, channel_id)
            except Unavailable as error:
                log.warning("check_skipped", channel=channel_id, error=str(error))
                continue
            await self._cut_if_unknown(census, channel_id, sight)

    async def _cut_if_unknown(self, census: Census, channel_id: str, sight: Sight | None) -> None:
        """Cut a publisher that nobody admitted, or that state has forgotten."""
        stranger = _stranger(census, channel_id, sight)
        if stranger is not None:
            log.warning("unknown_publisher_cut", channel=channel_id)
            await self.nginx.drop_publisher(census.gateway, channel_id, stranger)


def _stranger(census: Census, channel_id: str, sight: Sight | None) -> str | None:
    """Give the client id of a channel's publisher if it is not the one that its session knows."""
    stream = census.streams.get(channel_id)
    if stream is None or stream.publisher is None:
        return None
    known = None if sight is None else sight.session.publisher
    is_known = known is not None and known.is_same_connection(census.gateway, stream.publisher)
    return None if is_known else stream.publisher


def _stopped(session: Session) -> Session | None:
    return session.asked_to_close(Close.STOP) if session.state.is_open else None
