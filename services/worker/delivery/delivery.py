"""All that brings a session's files into the store, put together and set to work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from services.domain import keys
from services.domain.artifact import Kind
from services.domain.live_window import LiveWindow
from services.domain.ports import ObjectStore
from services.worker.delivery.arrivals import Arrivals
from services.worker.delivery.in_place import InPlace
from services.worker.delivery.lane import Lane
from services.worker.delivery.latest_picture import LatestPicture
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.patience import Patience
from services.worker.delivery.playlists import Playlists
from services.worker.delivery.preparing import Preparing
from services.worker.delivery.shipping import Shipping
from services.worker.delivery.sprites import Sprites
from services.worker.delivery.store_watch import StoreWatch
from services.worker.delivery.storing import Storing
from services.worker.following import Following
from services.worker.succession.inheritance import Inheritance
from services.worker.succession.ledger import Ledger
from services.worker.succession.tenure import Tenure


@dataclass(slots=True, kw_only=True)
class Delivery:
    """Builds the lanes and the indexes of one session, takes over what was left, and runs them.

    `finishing` end when the lanes are closed and empty; `lasting` go on until they are cancelled.
    """

    store: ObjectStore
    patience: Patience
    ledger: Ledger
    following: Following
    tenure: Tenure
    folder: Path
    spool_bytes: int
    inherited: Inheritance
    manifest: ManifestKeeper = field(init=False)
    playlists: Playlists = field(init=False)
    latest: LatestPicture = field(init=False)
    sprites: Sprites = field(init=False)
    preparing: Preparing = field(init=False)
    lanes: dict[Kind, Lane] = field(init=False)
    arrivals: Arrivals = field(default_factory=Arrivals)
    finishing: list[asyncio.Task[None]] = field(default_factory=list)
    lasting: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build it."""
        channel_id, session_id = self.following.channel.id, self.following.session.id
        self.manifest = ManifestKeeper(
            store=self.store,
            file=self._in_place(keys.head(channel_id, session_id)),
            ledger=self.ledger,
            patience=self.patience,
            folder=self.folder,
            head=self.inherited.head,
            news=self.following.news,
        )
        self.playlists = self._playlists(channel_id, session_id)
        self.latest = LatestPicture(
            file=self._in_place(keys.latest_snapshot(channel_id)), patience=self.patience, session_id=session_id
        )
        self.sprites = Sprites(
            store=self.store,
            in_place=self._in_place,
            patience=self.patience,
            folder=self.folder / "tiles",
            channel_id=channel_id,
            session_id=session_id,
            segments=lambda: self.playlists.whole,
        )
        self.preparing = Preparing(
            ledger=self.ledger,
            manifest=self.manifest,
            playlists=self.playlists,
            still_ours=self._still_ours,
            hls_seconds=self.following.channel.hls_time,
            next_sequence=self.inherited.next_sequence,
        )
        self.lanes = Shipping(
            storing=Storing(
                store=self.store,
                patience=self.patience,
                channel_id=channel_id,
                session_id=session_id,
                first_discontinuity=self.following.session.discontinuity_sequence,
            ),
            patience=self.patience,
            ledger=self.ledger,
            manifest=self.manifest,
            playlists=self.playlists,
            preparing=self.preparing,
            latest=self.latest,
            sprites=self.sprites,
            spool_bytes=self.spool_bytes,
            arrivals=self.arrivals,
        ).lanes()
        for parcel in self.inherited.leftovers.parcels:
            self.lanes[parcel.file.kind].add(parcel)
        for waiting in self.inherited.leftovers.waiting:
            self.lanes[waiting.file.kind].put(waiting)

    async def _still_ours(self) -> None:
        """Raise LeaseLost once the tenure is over; wait where state alone could tell and is away."""
        if not self.tenure.must_ask():  # as nearly always: no thread is needed for that
            self.tenure.check()
            return
        await self.patience.until_done(lambda: asyncio.to_thread(self.tenure.check))

    def _in_place(self, key: str) -> InPlace:
        return InPlace(self.store, key, still_ours=self.tenure.still_ours, thread=self.patience.thread)

    def _playlists(self, channel_id: str, session_id: str) -> Playlists:
        session, plan = self.following.session, self.following.plan()
        playlists = Playlists(
            live=self._in_place(keys.live_playlist(channel_id)),
            vod=self._in_place(keys.vod_playlist(channel_id, session_id)),
            patience=self.patience,
            is_live=plan.is_live,
            is_vod=plan.is_on_demand,
            session_id=session_id,
            window=LiveWindow(size=plan.hls_list_size, last=session.media_sequence - 1),
            sequence=(session.media_sequence, session.discontinuity_sequence),
            target=self.inherited.head.target_duration,
        )
        numbers = (parcel.number for parcel in self.inherited.leftovers.parcels if parcel.number is not None)
        playlists.restore(self.inherited.segments, numbers, self.inherited.next_sequence)
        return playlists

    def begin(self) -> None:
        """Set it to work."""
        self.manifest.keep()
        watch = StoreWatch(
            patience=self.patience, following=self.following, manifest=self.manifest, clock=self.following.clock
        )
        task = asyncio.create_task
        self.finishing = [task(lane.run(), name=f"lane {lane.name}") for lane in self.lanes.values()]
        self.finishing.append(task(self.latest.run(), name="latest picture"))
        self.lasting = [
            task(self.manifest.run(), name="manifest"),
            task(self.playlists.run_live(), name="live playlist"),
            task(self.playlists.run_vod(), name="whole playlist"),
            task(self.sprites.run(), name="sprites"),
            task(self.patience.run(), name="store probes"),
            task(watch.run(), name="store watch"),
        ]
