"""Brings a parcel's files into the store under their keys: a picture's other sizes first, then the file itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from services.domain import keys
from services.domain.artifact import Artifact, Rendition
from services.domain.errors import ObjectExists
from services.domain.ports import ObjectStore
from services.worker.delivery.parcel import Parcel, size
from services.worker.delivery.patience import Patience
from services.worker.events import SizedFile

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Storing:
    """Stores the files of one session; `first_discontinuity` is the discontinuity sequence of its first part."""

    store: ObjectStore
    patience: Patience
    channel_id: str
    session_id: str
    first_discontinuity: int
    _digests: dict[Path, str] = field(default_factory=dict)

    async def store_parcel(self, parcel: Parcel) -> Artifact:
        """Bring a parcel into the store, under another key where its own is taken by other content."""
        for attempt in count():
            key, captured_at = self._key(parcel, attempt)
            try:
                sizes = await self._store_sizes(parcel, key)
                digest = await self._create(parcel, key, parcel.file.path)
            except ObjectExists:
                log.warning("key_taken", key=key, bytes=parcel.bytes)
                continue
            return self._entry(parcel, key, captured_at, digest, sizes)
        raise AssertionError("keys are unlimited")

    def forget(self, parcel: Parcel) -> None:
        """Keep nothing of a parcel that is done with."""
        for path in (parcel.file.path, *(each.path for each in parcel.file.sizes)):
            self._digests.pop(path, None)

    async def _store_sizes(self, parcel: Parcel, key: str) -> tuple[Rendition, ...]:
        """Store a picture's other sizes at the same time; one that is gone is left out."""
        found = [self._store_size(parcel, keys.resized(key, each.width), each) for each in parcel.file.sizes]
        # All of them end before an error is told: the next try must not meet this one.
        ended = await asyncio.gather(*found, return_exceptions=True)
        return _whole(ended)

    async def _store_size(self, parcel: Parcel, key: str, each: SizedFile) -> Rendition | None:
        length = size(each.path)
        try:
            digest = await self._create(parcel, key, each.path)
        except FileNotFoundError:
            log.warning("size_gone", file=each.path.name)
            return None
        return Rendition(key=key, width=each.width, height=each.height, bytes=length, sha256=digest)

    async def _create(self, parcel: Parcel, key: str, path: Path) -> str:
        return await self.patience.thread(partial(self._create_blocking, key, path, parcel.metadata(self.session_id)))

    def _create_blocking(self, key: str, path: Path, metadata: dict[str, str]) -> str:
        if not path.exists():
            raise FileNotFoundError(path)  # before the store says it, which may mean something else
        digest = self._digests.get(path)
        if digest is None:
            with path.open("rb") as file:
                digest = self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        self.store.create(key, path, sha256=digest, metadata=metadata)
        return digest

    def _key(self, parcel: Parcel, attempt: int) -> tuple[str, datetime]:
        """Give the key for an attempt, and the time it stands for.

        A segment keeps its number. A key that tells a time goes on by a millisecond: it stays in order and readable.
        """
        captured_at = parcel.captured_at
        if parcel.number is not None:
            digest = self._digests.get(parcel.file.path, "")
            more = "" if attempt == 0 else digest[: 8 * attempt]
            return keys.segment(self.channel_id, self.session_id, parcel.number, more), captured_at
        captured_at += timedelta(milliseconds=attempt)
        return keys.dated(parcel.file.kind, self.channel_id, self.session_id, captured_at), captured_at

    def _entry(
        self, parcel: Parcel, key: str, captured_at: datetime, digest: str, sizes: tuple[Rendition, ...]
    ) -> Artifact:
        file, number = parcel.file, parcel.number
        return Artifact(
            kind=file.kind,
            key=key,
            captured_at=captured_at,
            bytes=parcel.bytes,
            sha256=digest,
            part=parcel.part,
            seconds=max(0.0, file.end - file.start),
            width=file.width,
            height=file.height,
            flags=file.flags,
            phash=file.phash,
            sizes=sizes,
            media_sequence=number,
            discontinuity_sequence=None if number is None else self.first_discontinuity + parcel.part,
        )


def _whole(ended: Sequence[Rendition | BaseException | None]) -> tuple[Rendition, ...]:
    """Give what there is, or raise the first error."""
    found = []
    for each in ended:
        if isinstance(each, BaseException):
            raise each
        if each is not None:
            found.append(each)
    return tuple(found)
