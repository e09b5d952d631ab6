"""Broadcasts to test with: sessions in state and their manifests in the store, as a worker leaves them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.domain import keys, manifest
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import ChunkReference, Head
from services.domain.secrets import Secret
from services.domain.session import Air, Publisher, Session
from tests.metadata.running import Running

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def go_live(service: Running, channel_id: str, session_id: str = "session-1", at: datetime = START) -> Session:
    """Open a session of a channel with a publisher in it, and let media arrive."""
    publisher = Publisher(gateway="gw", client_id="1", address="127.0.0.1", accepted_at=at)
    session = Session(
        id=session_id, channel_id=channel_id, started_at=at, pull_token=Secret("pull"), publisher=publisher
    )
    air = service.state.sessions.air(channel_id)
    service.state.sessions.save(session=session, air=air.opened(session_id))
    live = session.went_live()
    service.state.sessions.save(session=live)
    return live


def end(service: Running, session: Session, at: datetime) -> Session:
    """End a session and free its channel."""
    ended = service.state.sessions.get(session.id).ended(at)
    air: Air = service.state.sessions.air(session.channel_id)
    service.state.sessions.save(session=ended, air=air.changed(session_id=None))
    return ended


def picture(session: Session, seconds: float) -> Artifact:
    """Give a snapshot taken so long after START."""
    at = START + timedelta(seconds=seconds)
    key = keys.dated(Kind.SNAPSHOT, session.channel_id, session.id, at)
    return Artifact(
        kind=Kind.SNAPSHOT, key=key, captured_at=at, bytes=10, sha256="0" * 64, part=0, width=1280, height=720
    )


def recording(session: Session, seconds: float, length: float = 60.0) -> Artifact:
    """Give a recording that begins so long after START."""
    at = START + timedelta(seconds=seconds)
    key = keys.dated(Kind.RECORDING, session.channel_id, session.id, at)
    return Artifact(kind=Kind.RECORDING, key=key, captured_at=at, bytes=1000, sha256="1" * 64, part=0, seconds=length)


def write_manifest(
    service: Running,
    session: Session,
    *,
    chunks: Sequence[Sequence[Artifact]] = (),
    tail: Sequence[Artifact] = (),
    **facts: Any,  # noqa: ANN401 - any field of the head
) -> None:
    """Write a session's chunks and head, as its worker would."""
    head = Head(
        session_id=session.id,
        channel_id=session.channel_id,
        started_at=session.started_at,
        state=session.state,
        epoch=1,
        **facts,
    )
    for number, entries in enumerate(chunks):
        for entry in entries:
            head = head.with_artifact(entry)
        head = head.with_chunk(_write_chunk(service, session, number, entries))
    for entry in tail:
        head = head.with_artifact(entry)
    service.objects.replace(keys.head(session.channel_id, session.id), manifest.encode_head(head), etag=None)


def _write_chunk(service: Running, session: Session, number: int, entries: Sequence[Artifact]) -> ChunkReference:
    key = keys.chunk(session.channel_id, session.id, number)
    body = manifest.encode_chunk(session.id, number, entries)
    service.objects.replace(key, body, etag=None)
    moments = [entry.captured_at for entry in entries]
    return ChunkReference(
        number=number,
        key=key,
        started_at=min(moments),
        ended_at=max(moments),
        counts=manifest.counts(entries),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def store(service: Running, folder: Path, key: str, body: bytes) -> str:
    """Store an object and give its key."""
    source = folder / "source"
    source.write_bytes(body)
    service.objects.create(key, source, sha256=hashlib.sha256(body).hexdigest())
    source.unlink()
    return key
