"""Manifests as the object store holds them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

import structlog

from services.domain import keys, manifest
from services.domain.artifact import Artifact, Kind
from services.domain.errors import ObjectNotFound
from services.domain.manifest import ChunkReference, Head
from services.domain.ports import ObjectStore, Position
from services.domain.session import Session
from services.metadata.time_window import TimeWindow

log = structlog.get_logger()


def read_head(objects: ObjectStore, session: Session) -> Head | None:
    """Give a session's manifest head, or None before its worker has written one."""
    try:
        return manifest.decode_head(objects.read(keys.head(session.channel_id, session.id)).body)
    except ObjectNotFound:
        return None


def newest_first(
    objects: ObjectStore, head: Head, kind: Kind, window: TimeWindow, after: Position | None
) -> Iterator[Artifact]:
    """Give a session's artifacts of one kind in the window and after a position, newest first.

    A chunk is read only when its span is reached, and not at all if it can hold nothing that is asked for.
    """
    ready = [_entry(artifact) for artifact in head.tail if _wanted(artifact, kind, window, after)]
    heapq.heapify(ready)
    for reference in sorted(head.chunks, key=lambda chunk: chunk.ended_at, reverse=True):
        if not _may_hold(reference, kind, window, after):
            continue
        while ready and ready[0][2].captured_at > reference.ended_at:
            yield heapq.heappop(ready)[2]
        for artifact in _read_chunk(objects, reference):
            if _wanted(artifact, kind, window, after):
                heapq.heappush(ready, _entry(artifact))
    while ready:
        yield heapq.heappop(ready)[2]


def _read_chunk(objects: ObjectStore, reference: ChunkReference) -> Sequence[Artifact]:
    """Give a chunk's entries; one that somebody deleted by hand must not hide the rest of the list."""
    try:
        return manifest.decode_chunk(objects.read(reference.key).body)
    except ObjectNotFound:
        log.warning("chunk_missing", key=reference.key)
        return ()


def place(artifact: Artifact) -> Position:
    """Give where an artifact stands among its session's."""
    return Position(at=artifact.captured_at, id=artifact.key)


def _entry(artifact: Artifact) -> tuple[float, str, Artifact]:
    """Order by capture time and key, newest first; keys are unique, so that artifacts are never compared."""
    return (-artifact.captured_at.timestamp(), artifact.key, artifact)


def _wanted(artifact: Artifact, kind: Kind, window: TimeWindow, after: Position | None) -> bool:
    if artifact.kind is not kind or not window.holds(artifact.captured_at):
        return False
    if after is None:
        return True
    return artifact.captured_at < after.at or (artifact.captured_at == after.at and artifact.key > after.id)


def _may_hold(reference: ChunkReference, kind: Kind, window: TimeWindow, after: Position | None) -> bool:
    if reference.counts.get(f"{kind.value}s", 0) == 0:
        return False
    if reference.started_at >= window.end or reference.ended_at < window.start:
        return False
    return after is None or reference.started_at <= after.at
