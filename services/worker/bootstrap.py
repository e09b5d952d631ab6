"""Builds a worker: the one place of this room that names concrete adapters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import structlog

from services.adapters.opening import open_state, open_store
from services.domain import capture, keys, times
from services.domain.artifact import Artifact, Kind
from services.domain.channel import Channel
from services.domain.clock import Clock, SystemClock
from services.domain.errors import ChannelNotFound, LeaseHeld, ObjectNotFound
from services.domain.manifest import Head, Part, decode_chunk, decode_head
from services.domain.playlist import target_duration
from services.domain.ports import LeaseStore, ObjectStore
from services.domain.secrets import Secret
from services.domain.session import Lease, Session
from services.runtime.process_name import is_over, own_name
from services.worker.broadcast import Broadcast
from services.worker.ending import Ending
from services.worker.following import Following
from services.worker.in_place import InPlace
from services.worker.ledger import Ledger
from services.worker.manifest_keeper import ManifestKeeper
from services.worker.parts import Parts
from services.worker.patience import blocking
from services.worker.playlists import Playlists
from services.worker.recovery import Leftovers, recover
from services.worker.settings import WorkerSettings
from services.worker.shipping import Shipping, identity
from services.worker.tenure import Tenure

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What runs: the broadcast, what it follows, what it holds."""

    broadcast: Broadcast
    following: Following
    tenure: Tenure


def claimed(leases: LeaseStore, session_id: str, *, ttl: timedelta, now: datetime) -> Lease:
    """Take the session's lease, from a process of this machine that is over at once; raise LeaseHeld."""
    try:
        return leases.claim(session_id, own_name(), ttl=ttl, now=now)
    except LeaseHeld:
        held = leases.get(session_id)
        if held is None or not is_over(held.holder):
            raise
        leases.release(held)
    return leases.claim(session_id, own_name(), ttl=ttl, now=now)


def forgotten(channel_id: str, clock: Clock) -> Channel:
    """Stand in for a deleted channel, so that its last session can be finalised: with whatever it may have had on."""
    now = clock.now()
    return Channel(id=channel_id, outdate=now, created_at=now, updated_at=now)


def read_head(store: ObjectStore, session: Session, epoch: int) -> Head:
    """Give the manifest head that an earlier worker left, or a new one."""
    try:
        body = store.read(keys.head(session.channel_id, session.id)).body
    except ObjectNotFound:
        return Head(
            session_id=session.id,
            channel_id=session.channel_id,
            started_at=session.started_at,
            state=session.state,
            epoch=epoch,
        )
    return replace(decode_head(body), epoch=epoch)


def merge(head: Head, leftovers: Leftovers, known: set[str]) -> Head:
    """Add what the ledger knows and the head, written every few seconds, does not; `known` are all its keys."""
    for entry in leftovers.shipped:
        if entry.key not in known:
            head = head.with_artifact(entry)
    numbers = {part.number for part in head.parts}
    for part in leftovers.parts.values():
        if part.number not in numbers:
            began = times.utc(part.anchor + part.first)
            head = replace(head, parts=(*head.parts, Part(number=part.number, started_at=began)))
    return replace(head, parts=tuple(_ended(part, leftovers) for part in head.parts))


def _ended(part: Part, leftovers: Leftovers) -> Part:
    known = leftovers.parts.get(part.number)
    if part.ended_at is not None or known is None:
        return part if part.ended_at is not None else replace(part, ended_at=part.started_at)
    return replace(part, ended_at=times.utc(known.anchor + known.saved()))


@asynccontextmanager
async def worker(
    settings: WorkerSettings, *, channel_id: str, session_id: str, stop: asyncio.Event
) -> AsyncIterator[Worker]:
    """Claim the session and build all that works for it; raise LeaseHeld, SessionNotFound or Unavailable."""
    clock, state = SystemClock(), open_state(sqlite_path=settings.sqlite_path, table=settings.table)
    # Every write is tried again in patience.py, and nowhere below it.
    store = open_store(directory_path=settings.directory_path, bucket=settings.bucket)
    folder = settings.spool_path / session_id
    ttl = settings.lease_ttl
    try:
        session = state.sessions.get(session_id)
        try:
            channel = state.channels.get(channel_id)
        except ChannelNotFound:
            channel = forgotten(channel_id, clock)
        lease = claimed(state.leases, session_id, ttl=ttl, now=clock.now())
        tenure = Tenure(leases=state.leases, clock=clock, lease=lease, ttl=ttl, lost=asyncio.Event())
        following = Following(
            overview=state.overview,
            sessions=state.sessions,
            clock=clock,
            channel=channel,
            session=session,
            reread_seconds=settings.reread_seconds,
        )
        try:
            with Ledger(folder / "ledger.jsonl") as ledger:
                broadcast = await _broadcast(settings, following, tenure, store, ledger, stop)
                yield Worker(broadcast=broadcast, following=following, tenure=tenure)
        finally:
            if not tenure.lost.is_set():
                await tenure.release()
    finally:
        store.close()
        state.close()


async def _broadcast(  # noqa: PLR0917 - what a broadcast is made of
    settings: WorkerSettings,
    following: Following,
    tenure: Tenure,
    store: ObjectStore,
    ledger: Ledger,
    stop: asyncio.Event,
) -> Broadcast:
    session, channel = following.session, following.channel
    folder, plan = settings.spool_path / session.id, capture.plan(channel)
    leftovers = await recover(ledger, folder)
    head = await blocking(partial(read_head, store, session, tenure.lease.epoch))
    chunked = await _chunked(store, head)
    head = merge(head, leftovers, known={entry.key for entry in (*chunked, *head.tail)})
    segments = [entry for entry in (*chunked, *head.tail) if entry.kind is Kind.SEGMENT]
    if head.target_duration is None and segments:  # a kill came before the head was written with it
        head = replace(head, target_duration=target_duration(channel.hls_time, segments[0].seconds))
    in_place = partial(InPlace, store, still_ours=tenure.still_ours)
    manifest = ManifestKeeper(store=store, file=in_place(keys.head(channel.id, session.id)), folder=folder, head=head)
    playlists = Playlists(
        live=in_place(keys.live_playlist(channel.id)),
        vod=in_place(keys.vod_playlist(channel.id, session.id)),
        is_live=plan.is_live,
        is_vod=plan.is_on_demand,
        session_id=session.id,
        list_size=plan.hls_list_size,
        sequence=(session.media_sequence, session.discontinuity_sequence),
        target=head.target_duration,
    )
    playlists.restore(segments)
    shipping = Shipping(
        store=store,
        ledger=ledger,
        manifest=manifest,
        playlists=playlists,
        latest=in_place(keys.latest_snapshot(channel.id)),
        channel_id=channel.id,
        session_id=session.id,
        hls_seconds=channel.hls_time,
        next_sequence=1 + max((entry.media_sequence or 0 for entry in segments), default=session.media_sequence - 1),
        first_discontinuity=session.discontinuity_sequence,
        earlier=frozenset(identity(entry) for entry in leftovers.shipped),
    )
    lanes = shipping.lanes()
    for waiting in leftovers.waiting:
        lanes[waiting.file.kind].put(waiting)
    if leftovers.waiting or leftovers.shipped:
        log.info("spool_recovered", waiting=len(leftovers.waiting), shipped=len(leftovers.shipped))
    parts = Parts(following=following, manifest=manifest, ledger=ledger, lanes=lanes)
    query = urlencode({"session": session.id, "token": session.pull_token.reveal()})
    return Broadcast(
        following=following,
        tenure=tenure,
        manifest=manifest,
        playlists=playlists,
        parts=parts,
        ending=Ending(
            following=following,
            manifest=manifest,
            playlists=playlists,
            shipping=shipping,
            lanes=lanes,
            parts=parts,
            shipped_tasks=[asyncio.create_task(lane.run(), name=f"lane {lane.name}") for lane in lanes.values()],
            clock=following.clock,
            folder=folder,
        ),
        clock=following.clock,
        source=Secret(f"{settings.pull_url}/{channel.id}?{query}"),
        folder=folder,
        min_free_bytes=settings.min_free_bytes,
        stop=stop,
    )


async def _chunked(store: ObjectStore, head: Head) -> list[Artifact]:
    """Give the entries of all chunks."""
    entries: list[Artifact] = []
    for reference in head.chunks:
        stored = await blocking(partial(store.read, reference.key))
        entries += decode_chunk(stored.body)
    return entries
