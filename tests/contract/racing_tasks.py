"""What racing processes do: functions of a racer's number, importable in its process."""

from __future__ import annotations

import hashlib
import itertools
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from services.domain.errors import LeaseHeld, ObjectChanged, ObjectExists, ObjectNotFound, VersionConflict
from services.domain.session import Air
from tests.contract.worlds import STATES, STORES
from tests.examples import NOW, a_channel, a_session

SESSIONS = 40
TTL = timedelta(seconds=10)
KEYS_EACH = 40
SAVES_EACH = 100
LINES_EACH = 25


def open_and_add(number: int, world: str, place: Path) -> None:
    """Open the state, which nobody made yet, and add a channel."""
    state = STATES[world](place)
    state.channels.add(a_channel(f"channel-{number}"))
    state.close()


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
    """Save a session and its channel's air together for ever, telling each version that is stored."""
    state = STATES[world](place)
    session, air = a_session(), Air(channel_id="camera", session_id="session").changed()
    for version in itertools.count(1):
        state.sessions.save(session=session, air=air)
        progress.send(version)
        session, air = session.went_live(), air.changed(media_sequence=version)


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


def replace_until_killed(world: str, place: Path, progress: Connection) -> None:
    """Replace one object for ever by bodies of one repeated byte, telling how often it was done."""
    store = STORES[world](place)
    etag = None
    for count in itertools.count(1):
        etag = store.replace("hls/camera/live.m3u8", bytes([count % 256]) * 1_000_000, etag=etag)
        progress.send(count)
