"""What racing processes do: functions of a racer's number, importable in its process."""

from __future__ import annotations

import hashlib
import itertools
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from services.adapters import dynamodb_table, s3_bucket
from services.domain.errors import (
    AlreadyExists,
    LeaseHeld,
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    SequenceTaken,
    VersionConflict,
)
from services.domain.pool import IdleWorker
from services.domain.session import Air
from tests.contract.worlds import STATES, STORES
from tests.examples import NOW, a_channel, a_session, an_event

SESSIONS = 40
TTL = timedelta(seconds=10)
KEYS_EACH = 40
SAVES_EACH = 40
LINES_EACH = 25
EVENTS_EACH = 10


def open_and_add(number: int, world: str, place: Path) -> None:
    """Open the state, which nobody made yet, and add a channel."""
    state = STATES[world](place)
    state.channels.add(a_channel(f"channel-{number}"))
    state.close()


def add_all(number: int, world: str, place: Path) -> list[str]:
    """Add KEYS_EACH channels of the same ids; give those that were got."""
    state = STATES[world](place)
    got = []
    for index in range(KEYS_EACH):
        try:
            state.channels.add(a_channel(f"channel-{index}", name=f"of {number}"))
            got.append(f"channel-{index}")
        except AlreadyExists:
            continue
    state.close()
    return got


def claim_all(number: int, world: str, place: Path) -> list[str]:
    """Claim the leases of SESSIONS sessions; give those that were got."""
    state = STATES[world](place)
    got = []
    for index in range(SESSIONS):
        try:
            got.append(state.leases.claim(f"session-{index}", f"worker-{number}", ttl=TTL, now=NOW).session_id)
        except LeaseHeld:
            continue
    state.close()
    return got


def claim_workers(number: int, world: str, place: Path) -> list[tuple[str, str]]:
    """Claim idle workers for sessions of one's own until there are none; give each with its session."""
    state = STATES[world](place)
    got = []
    for index in itertools.count():
        session_id = f"session-{number}-{index}"
        worker = state.pool.claim("camera", session_id, zone=f"zone-{number % 2}", now=NOW)
        if worker is None:
            break
        got.append((worker.id, session_id))
    state.close()
    return got


def offer_or_claim(number: int, world: str, place: Path, worker: IdleWorker) -> str | None:
    """As racer 0 extend a worker's row until it is claimed; as another claim it, and give its id where it is got."""
    state = STATES[world](place)
    try:
        if number:
            claimed = state.pool.claim("camera", f"session-{number}", zone="zone-a", now=NOW)
            return None if claimed is None else claimed.id
        while True:
            state.pool.offer(worker)
    except VersionConflict:
        return "claimed"
    finally:
        state.close()


def count_up(_number: int, world: str, place: Path) -> int:
    """Add one to a channel's counter SAVES_EACH times; give how often another's save came between."""
    state = STATES[world](place)
    conflicts = saved = 0
    while saved < SAVES_EACH:
        air = state.sessions.air("camera")
        try:
            state.sessions.save(air=air.changed(media_sequence=air.media_sequence + 1))
            saved += 1
        except VersionConflict:
            conflicts += 1
    state.close()
    return conflicts


def save_until_killed(world: str, place: Path, progress: Connection) -> None:
    """Open and end one session after another, each time together with the channel's air, and tell the air's version."""
    state = STATES[world](place)
    air = Air(channel_id="camera")
    for number in itertools.count(1):
        session = a_session(f"session-{number}")
        air = air.opened(session.id)
        state.sessions.save(session=session, air=air)
        progress.send(air.version)
        air = air.changed(session_id=None)
        state.sessions.save(session=session.ended(NOW), air=air)
        progress.send(air.version)


def create_all(number: int, world: str, place: Path, sources: Path) -> list[str]:
    """Create KEYS_EACH keys with contents of one's own, made in `sources`; give the keys that were won."""
    store = STORES[world](place)
    source = sources / f"source-{number}"
    source.write_bytes(b"%d" % number * 10_000)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    won = []
    for index in range(KEYS_EACH):
        key = f"recordings/camera/{index:02d}.mp4"
        try:
            store.create(key, source, sha256=digest)
            won.append(key)
        except ObjectExists:
            continue
    return won


def append_line(number: int, world: str, place: Path) -> None:
    """Add LINES_EACH lines to one object, each by a read and a replace."""
    store = STORES[world](place)
    added = 0
    while added < LINES_EACH:
        try:
            found = store.read("sessions/camera/session/head.json")
            body, etag = found.body, found.etag
        except ObjectNotFound:
            body, etag = b"", None
        try:
            store.replace("sessions/camera/session/head.json", body + b"%d-%d\n" % (number, added), etag=etag)
            added += 1
        except ObjectChanged:
            continue


def prepare_table(_number: int, table: str, endpoint: str) -> None:
    """Make a table, as others do at the same time."""
    dynamodb_table.prepare(table, endpoint=endpoint)


def replace_until_killed(world: str, place: Path, progress: Connection) -> None:
    """Replace one object for ever by bodies of one repeated byte, telling how often it was done."""
    store = STORES[world](place)
    etag = None
    for count in itertools.count(1):
        etag = store.replace("hls/camera/live.m3u8", bytes([count % 256]) * 1_000_000, etag=etag)
        progress.send(count)


def prepare_bucket(_number: int, bucket: str, endpoint: str) -> None:
    """Make ready a bucket, which nobody made yet."""
    s3_bucket.prepare(bucket, endpoint=endpoint)


def append_events(number: int, world: str, place: Path) -> None:
    """Append EVENTS_EACH events to one stream, under whatever numbers are free."""
    state = STATES[world](place)
    appended = 0
    while appended < EVENTS_EACH:
        following = state.outbox.last("session/session") + 1
        try:
            state.outbox.append([an_event(following, id=f"{number}-{appended}")])
            appended += 1
        except SequenceTaken:
            continue
    state.close()
