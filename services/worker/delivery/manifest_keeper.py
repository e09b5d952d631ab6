"""Keeps a session's manifest: entries as objects arrive, parts, gaps; written at most every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from services.domain import keys
from services.domain.artifact import Artifact
from services.domain.errors import ObjectExists, Unavailable
from services.domain.manifest import (
    ChunkReference,
    Gap,
    Head,
    Mark,
    Part,
    counts,
    decode_chunk,
    encode_chunk,
    encode_head,
)
from services.domain.ports import ObjectStore
from services.domain.session import Session, SessionState
from services.runtime import metrics
from services.worker.announcing.news import News
from services.worker.delivery.in_place import InPlace
from services.worker.delivery.patience import Patience

log = structlog.get_logger()

WRITE_SECONDS = 5.0
LOCAL_HEAD = "head.json"
"""A copy of the head in the spool, as it began or was stored last: a later worker need not wait for a store that is
away."""


class Forgetful(Protocol):
    """A ledger, as far as the manifest is concerned."""

    def mark(self) -> int:
        """Give a mark of what the manifest has by now."""
        ...

    def stored(self, mark: int) -> None:
        """Note that the stored manifest has all that was told before `mark`."""
        ...


@dataclass(slots=True, kw_only=True)
class ManifestKeeper:
    """The head in memory and in the store; changes mark it dirty, `run` writes it, and the ledger may then forget."""

    store: ObjectStore
    file: InPlace
    ledger: Forgetful
    patience: Patience
    folder: Path
    head: Head
    news: News = field(default_factory=News)
    _is_final: bool = False
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
        metrics.PARTS.inc()
        self._change(parts=(*self.head.parts, part))

    def change_part(self, number: int, **changes: Any) -> None:  # noqa: ANN401 - any field of a part
        """Change a part: its end, its streams."""
        parts = tuple(replace(part, **changes) if part.number == number else part for part in self.head.parts)
        self._change(parts=parts)

    def count_unchanged(self) -> None:
        """Count a picture that was left out; it is written with what changes next, for it is not worth a PUT."""
        metrics.UNCHANGED.inc()
        self.head = self.head.with_unchanged()

    def mark(self, mark: Mark) -> None:
        """Note the newest keyframe; it is written with what changes next, for it is not worth a PUT."""
        self.head = replace(self.head, mark=mark)

    def declare_gap(self, gap: Gap) -> None:
        """Declare a time that the outputs have nothing of."""
        if gap.ended_at > gap.started_at and gap.outputs:
            log.info("gap_declared", cause=gap.cause, seconds=(gap.ended_at - gap.started_at).total_seconds())
            known = self.head.gaps
            self.head = self.head.with_gap(gap)
            self._dirty.set()
            if gap in self.head.gaps and gap not in known:  # one that makes another longer is none of its own
                self.news.gap(gap)

    def set(self, **changes: Any) -> None:  # noqa: ANN401 - any field of the head
        """Change the head's own fields, such as its state."""
        if any(getattr(self.head, name) != value for name, value in changes.items()):
            self._change(**changes)

    def follow(self, session: Session) -> None:
        """Take over the session's state, until the head has its end."""
        if not self._is_final:
            self.set(state=session.state, state_reason=session.state_reason)

    def end(self, ended_at: datetime) -> None:
        """Say that the session has ended; state says so later, and what it says until then is no news."""
        self._is_final = True
        self.set(state=SessionState.ENDED, state_reason=None, ended_at=ended_at)

    def last_end(self) -> datetime | None:
        """Give the end of the last part, None before the first ended."""
        return self.head.parts[-1].ended_at if self.head.parts else None

    async def run(self) -> None:
        """Write what has changed, at most every WRITE_SECONDS, until cancelled."""
        while True:
            await self._dirty.wait()
            async with self._lock:
                if self._dirty.is_set():  # or `write` has done it, and the folder may be gone by now
                    with contextlib.suppress(Unavailable):
                        await self._write()
            await asyncio.sleep(WRITE_SECONDS)

    async def write(self) -> None:
        """Write the head now, and its open tail as a chunk first if that is due."""
        async with self._lock:
            await self._write()

    async def _write(self) -> None:
        self._dirty.clear()
        try:
            if self.head.chunk_is_due():
                await self._close_chunk()
            mark, body = self.ledger.mark(), encode_head(self.head)
            await self.file.write(body)
            if self._keep(body):
                self.ledger.stored(mark)
        except Unavailable:
            self._dirty.set()
            raise

    def keep(self) -> None:
        """Keep a copy of what was inherited, of which the ledger forgets nothing before it is stored."""
        self._keep(encode_head(self.head))

    def _keep(self, body: bytes) -> bool:
        """Keep a copy; say False where that cannot be, since the ledger must not forget then."""
        fresh = self.folder / f"{LOCAL_HEAD}.new"
        try:
            fresh.write_bytes(body)
            fresh.replace(self.folder / LOCAL_HEAD)
        except OSError as error:
            log.warning("head_not_kept", error=str(error))
            return False
        return True

    async def _close_chunk(self) -> None:
        head, number = self.head, len(self.head.chunks)
        key = keys.chunk(head.channel_id, head.session_id, number)
        chunk = encode_chunk(head.session_id, number, head.tail)
        body = await self.patience.thread(partial(self._create_chunk, key, chunk))
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
        """Store a chunk and give what is stored; one that a killed worker could not name any more is taken over.

        Its file stays in the spool, as the head's does.
        """
        path = self.folder / key.rpartition("/")[2]
        try:
            path.unlink(missing_ok=True)  # what a kill left there may be the object itself, by a hard link
            path.write_bytes(body)
        except OSError as error:
            raise Unavailable(f"{path.name} cannot be written into the spool: {error.strerror}") from error
        try:
            self.store.create(key, path, sha256=hashlib.sha256(body).hexdigest())
        except ObjectExists:
            path.unlink()
            return self.store.read(key).body
        return body
