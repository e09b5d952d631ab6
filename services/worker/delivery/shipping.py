"""Ships prepared files: store, note, name, and only then remove from the spool."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.errors import ObjectExists
from services.domain.ports import ObjectStore
from services.runtime import metrics
from services.worker.delivery.backlog import Backlog
from services.worker.delivery.lane import Lane
from services.worker.delivery.latest_picture import LatestPicture
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.parcel import OUTPUTS, Parcel, Waiting, remove
from services.worker.delivery.patience import Patience
from services.worker.delivery.playlists import Playlists
from services.worker.delivery.preparing import Preparing
from services.worker.delivery.spool_bound import SpoolBound
from services.worker.succession.ledger import Ledger

log = structlog.get_logger()

UPLOADS = {Kind.SNAPSHOT: 10, Kind.SEGMENT: 6, Kind.RECORDING: 4}
"""How many files of a kind are uploaded at once, in the order in which a full spool drops them.

A store that takes two segments' time for each PUT needs three for the segments; pictures may be due four times as
often.
"""
_PIECES = "segment-"  # in the name of the folder where a segment that was cut lies in pieces


@dataclass(slots=True, kw_only=True)
class Shipping:
    """The three lanes of a session."""

    store: ObjectStore
    patience: Patience
    ledger: Ledger
    manifest: ManifestKeeper
    playlists: Playlists
    preparing: Preparing
    latest: LatestPicture
    channel_id: str
    session_id: str
    first_discontinuity: int
    spool_bytes: int
    _digests: dict[Path, str] = field(default_factory=dict)

    def lanes(self) -> dict[Kind, Lane]:
        """Build a lane for each output."""
        bound = SpoolBound(limit=self.spool_bytes)
        lanes = {
            kind: Lane(
                name=OUTPUTS[kind],
                work=self,
                patience=self.patience,
                uploads=uploads,
                in_order=kind is not Kind.SEGMENT,
                grown=bound.keep,
                backlog=Backlog(live_size=partial(self._live_size, kind)),
            )
            for kind, uploads in UPLOADS.items()
        }
        bound.lanes = tuple(lanes.values())
        return lanes

    def _live_size(self, kind: Kind) -> int:
        return self.playlists.window.size if kind is Kind.SEGMENT and self.playlists.is_live else 0

    def taken(self, waiting: Waiting) -> None:
        """Show a picture that was just taken."""
        if waiting.file.kind is Kind.SNAPSHOT:
            self.latest.offer(waiting.file.path)

    async def prepare(self, waiting: Waiting) -> list[Parcel]:
        """Make of a closed file what is shipped; raise ChildFailed where it cannot be read."""
        return await self.preparing.prepare(waiting)

    async def upload(self, parcel: Parcel) -> Artifact:
        """Bring a parcel into the store, under another key where its own is taken by other content."""
        for attempt in count():
            key, captured_at = self._key(parcel, attempt)
            try:
                digest = await self.patience.thread(partial(self._create, key, parcel.file.path))
            except ObjectExists:
                log.warning("key_taken", key=key, bytes=parcel.bytes)
                continue
            return self._entry(parcel, key, captured_at, digest)
        raise AssertionError("keys are unlimited")

    def _create(self, key: str, path: Path) -> str:
        if not path.exists():
            raise FileNotFoundError(path)  # before the store says it, which may mean something else
        digest = self._digests.get(path)
        if digest is None:
            with path.open("rb") as file:
                digest = self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        self.store.create(key, path, sha256=digest)
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

    def _entry(self, parcel: Parcel, key: str, captured_at: datetime, digest: str) -> Artifact:
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
            media_sequence=number,
            discontinuity_sequence=None if number is None else self.first_discontinuity + parcel.part,
        )

    def commit(self, parcel: Parcel, entry: Artifact) -> None:
        """Note a parcel that has arrived in the books, and remove it from the spool."""
        self.ledger.shipped(entry, parcel.file.path)
        self.manifest.add(entry)
        if entry.media_sequence is not None:
            self.playlists.add(entry)
        self._remove(parcel)
        metrics.SHIPPED.labels(parcel.output).inc()
        metrics.SHIPPED_BYTES.labels(parcel.output).inc(entry.bytes)
        log.info("shipped", key=entry.key, bytes=entry.bytes, seconds=round(entry.seconds, 3))

    def lose(self, parcel: Parcel, cause: str, until: float | None = None) -> None:
        """Declare the loss of a parcel, a picture's for the time `until` the next one (PTS, s), and remove it."""
        gap = parcel.gap(cause, until if parcel.file.kind is Kind.SNAPSHOT else None)
        self.ledger.dropped(parcel.file.path, parcel.number, gap)
        self.manifest.declare_gap(gap)
        if parcel.number is not None:
            self.playlists.dropped(parcel.number)
        self._remove(parcel)
        metrics.DROPPED.labels(parcel.output, cause).inc()
        log.warning("file_dropped", output=parcel.output, file=parcel.file.path.name, bytes=parcel.bytes, cause=cause)

    def _remove(self, parcel: Parcel) -> None:
        path = parcel.file.path
        self._digests.pop(path, None)
        remove(path)
        if _PIECES in path.parent.name:
            with contextlib.suppress(OSError):  # not before the last piece
                path.parent.rmdir()
