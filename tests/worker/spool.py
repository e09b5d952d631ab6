"""A session's spool with the books beside it: what ships closed files, over any object store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.errors import ObjectNotFound
from services.domain.live_window import LiveWindow
from services.domain.manifest import Head, Part, decode_head
from services.domain.ports import ObjectStore
from services.domain.session import SessionState
from services.runtime.setting_types import SPOOL_BYTES
from services.worker.delivery.in_place import InPlace
from services.worker.delivery.latest_picture import LatestPicture
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.parcel import Parcel, Waiting
from services.worker.delivery.patience import Patience
from services.worker.delivery.playlists import Playlists
from services.worker.delivery.preparing import Preparing
from services.worker.delivery.shipping import Shipping
from services.worker.delivery.sprites import Sprites
from services.worker.delivery.storing import Storing
from services.worker.events import ClockSet, FileClosed, SizedFile
from services.worker.succession.inheritance import Heir, Inheritance
from services.worker.succession.ledger import Ledger
from tests.examples import NOW, a_session

CHANNEL, SESSION = "camera", "session"
ANCHOR = NOW.timestamp()
"""The epoch (s) of every part's PTS 0."""


async def nobody_else() -> None:
    """Say that the lease still holds."""


def a_head(**facts: object) -> Head:
    head = Head(session_id=SESSION, channel_id=CHANNEL, started_at=NOW, state=SessionState.LIVE, epoch=1)
    for name, value in facts.items():
        object.__setattr__(head, name, value)
    return head


def an_entry(number: int, *, at: datetime = NOW, kind: Kind = Kind.SNAPSHOT) -> Artifact:
    return Artifact(kind=kind, key=f"snapshots/{number:06d}.jpg", captured_at=at, bytes=10, sha256="0" * 64, part=0)


def a_segment(number: int, *, seconds: float = 2.0, part: int = 0, at: datetime = NOW) -> Artifact:
    return Artifact(
        kind=Kind.SEGMENT,
        key=keys.segment(CHANNEL, SESSION, number),
        captured_at=at,
        bytes=10,
        sha256="0" * 64,
        part=part,
        seconds=seconds,
        media_sequence=number,
        discontinuity_sequence=part,
    )


def in_place(store: ObjectStore, key: str, patience: Patience | None = None) -> InPlace:
    return InPlace(store, key, still_ours=nobody_else, thread=(patience or Patience(name="store")).thread)


class NoLedger:
    """Has nothing to forget."""

    def mark(self) -> int:
        return 0

    def stored(self, mark: int) -> None:
        assert mark == 0


def a_keeper(
    store: ObjectStore, folder: Path, head: Head | None = None, ledger: Ledger | None = None
) -> ManifestKeeper:
    """Keep a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    return ManifestKeeper(
        store=store,
        file=in_place(store, keys.head(CHANNEL, SESSION)),
        ledger=ledger or NoLedger(),
        patience=Patience(name="store"),
        folder=folder,
        head=head or a_head(),
    )


def stored_head(store: ObjectStore) -> Head | None:
    try:
        return decode_head(store.read(keys.head(CHANNEL, SESSION)).body)
    except ObjectNotFound:
        return None


@dataclass(slots=True)
class Spool:
    """One part's folder; `shipping` takes what lies in it to the store."""

    folder: Path
    ledger: Ledger
    patience: Patience
    manifest: ManifestKeeper
    playlists: Playlists
    preparing: Preparing
    latest: LatestPicture
    shipping: Shipping

    def close_file(self, kind: Kind, path: Path, start: float, end: float, **facts: Any) -> Waiting:  # noqa: ANN401
        """Note a closed file as the broadcast does."""
        size = (320, 180) if kind is Kind.SNAPSHOT else (None, None)
        file = FileClosed(kind=kind, path=path, start=start, end=end, width=size[0], height=size[1], **facts)
        self.ledger.closed(0, file)
        return Waiting(file, 0, ANCHOR)

    def snapshot(self, number: int, size: int = 0) -> Waiting:
        path = self.folder / "run" / f"picture-{number:06d}.jpg"
        path.write_bytes(b"\xff\xd8\xff picture %d" % number + bytes(size))
        return self.close_file(Kind.SNAPSHOT, path, float(number), float(number))

    def judged_snapshot(self, number: int, widths: Sequence[int]) -> Waiting:
        """Close a picture with other sizes of it, judged to be black."""
        path = self.folder / "run" / f"picture-{number:06d}.jpg"
        path.write_bytes(b"\xff\xd8\xff picture %d" % number)
        sizes = [SizedFile(path=path.with_stem(f"{path.stem}-w{width}"), width=width, height=90) for width in widths]
        for each in sizes:
            each.path.write_bytes(b"\xff\xd8\xff picture %d %d wide" % (number, each.width))
        more = {"flags": ("black",), "phash": "00ff" * 8, "sizes": tuple(sizes)}
        return self.close_file(Kind.SNAPSHOT, path, float(number), float(number), **more)

    def lines(self) -> list[str]:
        """Give what the ledger says was shipped: the keys, in order."""
        return [line["shipped"]["key"] for line in self.ledger.read() if "shipped" in line]

    @asynccontextmanager
    async def indexing(self) -> AsyncIterator[None]:
        """Keep latest.jpg and live.m3u8 up to date while the block runs."""
        tasks = [
            asyncio.create_task(work)
            for work in (self.latest.run(), self.playlists.run_live(), self.playlists.run_vod(), self.patience.run())
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def ship(self, *waiting: Waiting, parcels: Sequence[Parcel] = (), seconds: float = 20) -> None:
        """Ship these to the end of their lanes, and write the indexes."""
        lanes = self.shipping.lanes()
        for parcel in parcels:
            lanes[parcel.file.kind].add(parcel)
        for one in waiting:
            lanes[one.file.kind].put(one)
        async with asyncio.timeout(seconds), self.indexing():
            for lane in lanes.values():
                await lane.close()
            async with asyncio.TaskGroup() as group:  # where one dies, all do, as in a worker that is killed
                for lane in lanes.values():
                    group.create_task(lane.run())
        self.latest.close()
        async with asyncio.timeout(seconds):
            await self.latest.run()
            await self.patience.until_done(self.playlists.flush)


def a_spool(
    folder: Path,
    store: ObjectStore,
    *,
    target: int | None = None,
    list_size: int = 6,
    spool_bytes: int = SPOOL_BYTES,
    is_vod: bool = False,
) -> Spool:
    """Begin a session with one part; the caller closes the ledger."""
    ledger = Ledger(folder / "ledger.jsonl")
    run = folder / "run"
    run.mkdir(exist_ok=True)
    ledger.part(0, ClockSet(anchor=ANCHOR, first=0.08), run)
    spool = _built(
        folder,
        store,
        ledger,
        a_head(target_duration=target),
        list_size=list_size,
        spool_bytes=spool_bytes,
        is_vod=is_vod,
    )
    spool.manifest.begin_part(Part(number=0, started_at=NOW))
    return spool


async def a_successor(folder: Path, store: ObjectStore, ledger: Ledger, **facts: Any) -> tuple[Spool, Inheritance]:  # noqa: ANN401 - of _built
    """Take over a session as the next worker does; what is left is not shipped yet."""
    with Patience(name="store") as patience:
        heir = Heir(
            store=store, patience=patience, ledger=ledger, folder=folder, session=a_session(), epoch=2, hls_time=2
        )
        inherited = await heir.inherit(NOW)
    spool = _built(folder, store, ledger, inherited.head, next_sequence=inherited.next_sequence, **facts)
    numbers = [parcel.number for parcel in inherited.leftovers.parcels if parcel.number is not None]
    spool.playlists.restore(inherited.segments, numbers, inherited.next_sequence)
    return spool, inherited


def _built(
    folder: Path,
    store: ObjectStore,
    ledger: Ledger,
    head: Head,
    *,
    list_size: int = 6,
    spool_bytes: int = SPOOL_BYTES,
    is_vod: bool = False,
    next_sequence: int = 0,
) -> Spool:
    patience = Patience(name="store", probe=store.check)
    manifest = a_keeper(store, folder, head, ledger)
    playlists = Playlists(
        live=in_place(store, keys.live_playlist(CHANNEL), patience),
        vod=in_place(store, keys.vod_playlist(CHANNEL, SESSION), patience),
        patience=patience,
        is_live=True,
        is_vod=is_vod,
        session_id=SESSION,
        window=LiveWindow(size=list_size, last=-1),
        sequence=(0, 0),
        target=head.target_duration,
    )
    preparing = Preparing(
        ledger=ledger,
        manifest=manifest,
        playlists=playlists,
        still_ours=nobody_else,
        hls_seconds=2,
        next_sequence=next_sequence,
    )
    latest = LatestPicture(
        file=in_place(store, keys.latest_snapshot(CHANNEL), patience), patience=patience, session_id=SESSION
    )
    sprites = Sprites(
        store=store,
        in_place=partial(in_place, store, patience=patience),
        patience=patience,
        folder=folder / "tiles",
        channel_id=CHANNEL,
        session_id=SESSION,
        segments=lambda: playlists.whole,
    )
    shipping = Shipping(
        storing=Storing(store=store, patience=patience, channel_id=CHANNEL, session_id=SESSION, first_discontinuity=0),
        patience=patience,
        ledger=ledger,
        manifest=manifest,
        playlists=playlists,
        preparing=preparing,
        latest=latest,
        sprites=sprites,
        spool_bytes=spool_bytes,
    )
    return Spool(folder, ledger, patience, manifest, playlists, preparing, latest, shipping)
