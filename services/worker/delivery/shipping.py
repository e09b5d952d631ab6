"""Ships prepared files: store, note, name, and only then remove from the spool."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.domain.artifact import OUTPUTS, Artifact, Kind
from services.runtime import metrics
from services.worker.delivery.arrivals import Arrivals
from services.worker.delivery.backlog import Backlog
from services.worker.delivery.lane import Lane
from services.worker.delivery.latest_picture import LatestPicture
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.parcel import Parcel, Waiting, discard
from services.worker.delivery.patience import Patience
from services.worker.delivery.playlists import Playlists
from services.worker.delivery.preparing import Preparing
from services.worker.delivery.spool_bound import SpoolBound
from services.worker.delivery.sprites import Sprites
from services.worker.delivery.storing import Storing
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

    storing: Storing
    patience: Patience
    ledger: Ledger
    manifest: ManifestKeeper
    playlists: Playlists
    preparing: Preparing
    latest: LatestPicture
    sprites: Sprites
    spool_bytes: int
    arrivals: Arrivals = field(default_factory=Arrivals)

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
            self.latest.offer(waiting.parcel())
            self.sprites.offer(waiting.parcel())

    async def prepare(self, waiting: Waiting) -> list[Parcel]:
        """Make of a closed file what is shipped; raise ChildFailed where it cannot be read."""
        return await self.preparing.prepare(waiting)

    async def upload(self, parcel: Parcel) -> Artifact:
        """Bring a parcel into the store, under another key where its own is taken by other content."""
        return await self.storing.store_parcel(parcel)

    def commit(self, parcel: Parcel, entry: Artifact) -> None:
        """Note a parcel that has arrived in the books, and remove it from the spool."""
        self.manifest.news.shipped(entry)  # first: what the ledger has shipped is not shipped again
        self.ledger.shipped(entry, parcel.file.path)
        self.manifest.add(entry)
        self.arrivals.arrived(parcel, entry)
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
        self.arrivals.lost(parcel)
        if parcel.number is not None:
            self.playlists.dropped(parcel.number)
        self._remove(parcel)
        metrics.DROPPED.labels(parcel.output, cause).inc()
        log.warning("file_dropped", output=parcel.output, file=parcel.file.path.name, bytes=parcel.bytes, cause=cause)

    def _remove(self, parcel: Parcel) -> None:
        self.storing.forget(parcel)
        discard(parcel.file)
        folder = parcel.file.path.parent
        if _PIECES in folder.name:
            with contextlib.suppress(OSError):  # not before the last piece
                folder.rmdir()
