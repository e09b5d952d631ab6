"""Builds a worker: the one place of this room that names concrete adapters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass

from services.adapters.opening import open_state, open_store
from services.domain import capture
from services.domain.channel import Channel
from services.domain.clock import Clock, SystemClock
from services.domain.errors import ChannelNotFound, LeaseHeld
from services.domain.ports import ObjectStore
from services.runtime.shutdown import Stop
from services.worker.announcing.beginning import announcing
from services.worker.beginning import in_time, kept, until_room
from services.worker.broadcast import Broadcast
from services.worker.capture.needs import Needs
from services.worker.capture.parts import Parts
from services.worker.capture.steady_clock import SteadyClock
from services.worker.delivery.delivery import Delivery
from services.worker.delivery.ending import Ending
from services.worker.delivery.fenced_store import FencedStore
from services.worker.delivery.patience import Patience
from services.worker.following import Following
from services.worker.gateway_address import GatewayAddress
from services.worker.outside import Outside
from services.worker.place import own_place
from services.worker.settings import WorkerSettings
from services.worker.succession.claim import Claim
from services.worker.succession.hand_over import HandOver
from services.worker.succession.inheritance import Heir
from services.worker.succession.ledger import Ledger
from services.worker.succession.standby import Standby
from services.worker.succession.tenure import Tenure


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What runs: the broadcast, what it follows, what it holds, and how it passes that on."""

    broadcast: Broadcast
    following: Following
    tenure: Tenure
    hand_over: HandOver


def forgotten(channel_id: str, clock: Clock) -> Channel:
    """Stand in for a deleted channel, so that its last session can be finalised: with whatever it may have had on."""
    now = clock.now()
    return Channel(id=channel_id, outdate=now, created_at=now, updated_at=now)


@contextmanager
def outside(settings: WorkerSettings) -> Iterator[Outside]:
    """Open what the settings name while the block runs; raise Unavailable."""
    place = own_place(address=settings.advertised_host, zone=settings.zone)
    with (
        closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state,
        # Every write is tried again in patience.py, and nowhere below it. Each has a condition, so that taking what may
        # not be read for absent overwrites nothing.
        closing(open_store(directory_path=settings.directory_path, bucket=settings.bucket, may_list=False)) as store,
    ):
        yield Outside(state=state, store=store, place=place)


@asynccontextmanager
async def worker(
    settings: WorkerSettings, around: Outside, *, channel_id: str, session_id: str, stop: Stop
) -> AsyncIterator[Worker]:
    """Claim the session and build all that works for it; raise LeaseHeld, SessionNotFound or Unavailable."""
    clock, state, store = SystemClock(), around.state, around.store
    folder = settings.spool_path / session_id
    ttl = settings.lease_ttl
    ending = AsyncExitStack()
    gateway = GatewayAddress(
        gateways=state.gateways, clock=clock, pull_url=settings.pull_url, callback_url=settings.callback_url
    )
    try:
        session = state.sessions.get(session_id)
        try:
            channel = state.channels.get(channel_id)
        except ChannelNotFound:
            channel = forgotten(channel_id, clock)
        claim = Claim(
            leases=state.leases,
            sessions=state.sessions,
            clock=clock,
            session=session,
            ttl=ttl,
            holder=around.place.name,
        )
        try:
            lease, standby = claim.take(), None
        except LeaseHeld:
            held = claim.leaving()
            standby = Standby(
                source=await gateway.source(session),
                plan=capture.plan(channel),
                folder=folder / f"e{held.epoch + 1:04d}-standby",
            )
            await ending.enter_async_context(standby)
            lease = await standby.relieve(held, claim, stop)
        tenure = Tenure(leases=state.leases, clock=clock, lease=lease, ttl=ttl, lost=asyncio.Event())
        following = Following(
            overview=state.overview,
            sessions=state.sessions,
            clock=clock,
            channel=channel,
            session=session,
            tenure=tenure,
            reread_seconds=settings.reread_seconds,
        )
        try:
            await kept(tenure, until_room(folder, following, stop))
            with (
                Ledger(folder / "ledger.jsonl") as ledger,
                Patience(name="store", probe=store.check) as patience,
                announcing(following, state.outbox if settings.events else None, folder) as state_patience,
            ):
                go = asyncio.Event()
                fenced = FencedStore(store, tenure.check)
                broadcast = await _broadcast(
                    settings, following, tenure, fenced, ledger, patience, state_patience, go, stop, standby, gateway
                )
                hand_over = HandOver(
                    stop=stop,
                    go=go,
                    following=following,
                    tenure=tenure,
                    parts=broadcast.parts,
                    gateway=gateway,
                    seconds=settings.hand_over_seconds,
                )
                yield Worker(broadcast=broadcast, following=following, tenure=tenure, hand_over=hand_over)
        finally:
            if not tenure.lost.is_set():
                await tenure.release()
    finally:
        await ending.aclose()


async def _broadcast(  # noqa: PLR0917 - what a broadcast is made of
    settings: WorkerSettings,
    following: Following,
    tenure: Tenure,
    store: ObjectStore,
    ledger: Ledger,
    patience: Patience,
    state_patience: Patience,
    go: asyncio.Event,
    stop: Stop,
    standby: Standby | None,
    gateway: GatewayAddress,
) -> Broadcast:
    session, channel = following.session, following.channel
    folder = settings.spool_path / session.id
    heir = Heir(
        store=store,
        patience=patience,
        ledger=ledger,
        folder=folder,
        session=session,
        epoch=tenure.lease.epoch,
        hls_time=channel.hls_time,
    )
    inherited = await kept(tenure, in_time(heir.inherit(following.clock.now()), stop, settings.stop_seconds))
    is_of_another_machine = not inherited.leftovers.parts
    following.news.took_over(inherited.head, inherited.declared, is_of_another_machine=is_of_another_machine)
    following.news.followed(session)
    delivery = Delivery(
        store=store,
        patience=patience,
        ledger=ledger,
        following=following,
        tenure=tenure,
        folder=folder,
        spool_bytes=settings.spool_bytes,
        inherited=inherited,
    )
    delivery.begin()
    parts = Parts(
        following=following,
        manifest=delivery.manifest,
        ledger=ledger,
        lanes=delivery.lanes,
        steady=SteadyClock.of(folder),
        needs=Needs.of(folder),
        loose=inherited.loose,
    )
    return Broadcast(
        following=following,
        tenure=tenure,
        manifest=delivery.manifest,
        playlists=delivery.playlists,
        parts=parts,
        ending=Ending(
            following=following,
            delivery=delivery,
            state_patience=state_patience,
            parts=parts,
            clock=following.clock,
            folder=folder,
        ),
        clock=following.clock,
        gateway=gateway,
        folder=folder,
        min_free_bytes=settings.min_free_bytes,
        stop=go,
        standby=standby,
    )
