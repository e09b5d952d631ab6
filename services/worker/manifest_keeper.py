"""Keeps a session's manifest: entries as objects arrive, parts, gaps; written at most every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.domain import keys
from services.domain.artifact import Artifact
from services.domain.errors import ObjectExists, Unavailable
from services.domain.manifest import ChunkReference, Gap, Head, Part, counts, decode_chunk, encode_chunk, encode_head
from services.domain.ports import ObjectStore
from services.domain.session import Session
from services.worker.in_place import InPlace

log = structlog.get_logger()

WRITE_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class ManifestKeeper:
    """The head in memory and in the store; changes mark it dirty, `run` writes it."""

    store: ObjectStore
    file: InPlace
    folder: Path
    head: Head
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def _change(self, **changes: Any) -> None:  # noqa: ANN401 - any field of the head
        self.head = replace(self.head, **changes)
        self._dirty.set()

    def add(self, entry: Artifact) -> None:
        """List an object that has arrived."""
        self.head = self.head.with_artifact(entry)
        self._dirty.set()

    def begin_part(self, part: Part) -> None:
        """Add a part."""
        self._change(parts=(*self.head.parts, part))

    def change_part(self, number: int, **changes: Any) -> None:  # noqa: ANN401 - any field of a part
        """Change a part: its end, its streams."""
        parts = tuple(replace(part, **changes) if part.number == number else part for part in self.head.parts)
        self._change(parts=parts)

    def declare_gap(self, gap: Gap) -> None:
        """Declare a time that the outputs have nothing of."""
        if gap.ended_at > gap.started_at and gap.outputs:
            log.info("gap_declared", cause=gap.cause, seconds=(gap.ended_at - gap.started_at).total_seconds())
            self._change(gaps=(*self.head.gaps, gap))

    def set(self, **changes: Any) -> None:  # noqa: ANN401 - any field of the head
        """Change the head's own fields, such as its state."""
        if any(getattr(self.head, name) != value for name, value in changes.items()):
            self._change(**changes)

    def follow(self, session: Session) -> None:
        """Take over the session's state."""
        self.set(state=session.state, state_reason=session.state_reason)

    def last_end(self) -> datetime | None:
        """Give the end of the last part, None before the first ended."""
        return self.head.parts[-1].ended_at if self.head.parts else None

    async def run(self) -> None:
        """Write what has changed, at most every WRITE_SECONDS, until cancelled."""
        while True:
            await self._dirty.wait()
            with contextlib.suppress(Unavailable):
                await self.write()
            await asyncio.sleep(WRITE_SECONDS)

    async def write(self) -> None:
        """Write the head now, and its open tail as a chunk first if that is due."""
        async with self._lock:
            self._dirty.clear()
            try:
                if self.head.chunk_is_due():
                    await self._close_chunk()
                await self.file.write(encode_head(self.head))
            except Unavailable:
                self._dirty.set()
                raise

    async def _close_chunk(self) -> None:
        head, number = self.head, len(self.head.chunks)
        key = keys.chunk(head.channel_id, head.session_id, number)
        body = await asyncio.to_thread(self._create_chunk, key, encode_chunk(head.session_id, number, head.tail))
        entries, digest = decode_chunk(body), hashlib.sha256(body).hexdigest()
        moments = [entry.captured_at for entry in entries]
        reference = ChunkReference(
            number=number,
            key=key,
            started_at=min(moments),
            ended_at=max(moments),
            counts=counts(entries),
            sha256=digest,
        )
        chunked = {entry.key for entry in entries}
        left = tuple(entry for entry in self.head.tail if entry.key not in chunked)
        self.head = replace(self.head.with_chunk(reference), tail=left)

    def _create_chunk(self, key: str, body: bytes) -> bytes:
        """Store a chunk and give what is stored; one that a killed worker could not name any more is taken over."""
        path = self.folder / key.rpartition("/")[2]
        path.unlink(missing_ok=True)  # what a kill left there may be the object itself, by a hard link
        path.write_bytes(body)
        try:
            self.store.create(key, path, sha256=hashlib.sha256(body).hexdigest())
        except ObjectExists:
            return self.store.read(key).body
        finally:
            path.unlink()
        return body
