"""A session's spool with the books beside it: what ships closed files, over any object store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.errors import ObjectNotFound
from services.domain.manifest import Head, Part, decode_head
from services.domain.ports import ObjectStore
from services.domain.session import SessionState
from services.worker.events import ClockSet, FileClosed
from services.worker.in_place import InPlace
from services.worker.lane import Waiting
from services.worker.ledger import Ledger
from services.worker.manifest_keeper import ManifestKeeper
from services.worker.playlists import Playlists
from services.worker.shipping import Shipping
from tests.examples import NOW

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


def in_place(store: ObjectStore, key: str) -> InPlace:
    return InPlace(store, key, still_ours=nobody_else)


def a_keeper(store: ObjectStore, folder: Path, head: Head | None = None) -> ManifestKeeper:
    folder.mkdir(parents=True, exist_ok=True)
    return ManifestKeeper(
        store=store, file=in_place(store, keys.head(CHANNEL, SESSION)), folder=folder, head=head or a_head()
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
    shipping: Shipping

    def close_file(self, kind: Kind, path: Path, start: float, end: float) -> Waiting:
        """Note a closed file as the broadcast does."""
        size = (320, 180) if kind is Kind.SNAPSHOT else (None, None)
        file = FileClosed(kind=kind, path=path, start=start, end=end, width=size[0], height=size[1])
        self.ledger.closed(0, file)
        return Waiting(file, 0, ANCHOR)

    def snapshot(self, number: int) -> Waiting:
        path = self.folder / "run" / f"picture-{number:06d}.jpg"
        path.write_bytes(b"\xff\xd8\xff picture %d" % number)
        return self.close_file(Kind.SNAPSHOT, path, float(number), float(number))

    def lines(self) -> list[str]:
        """Give what the ledger says was shipped: the keys, in order."""
        found = [json.loads(line) for line in (self.folder / "ledger.jsonl").read_text().splitlines()]
        return [line["shipped"]["key"] for line in found if "shipped" in line]


def a_spool(folder: Path, store: ObjectStore, *, target: int | None = None) -> Spool:
    """Begin a session with one part; the caller closes the ledger."""
    ledger = Ledger(folder / "ledger.jsonl")
    run = folder / "run"
    run.mkdir(exist_ok=True)
    ledger.part(0, ClockSet(anchor=ANCHOR, first=0.08), run)
    manifest = a_keeper(store, folder)
    manifest.begin_part(Part(number=0, started_at=NOW))
    shipping = Shipping(
        store=store,
        ledger=ledger,
        manifest=manifest,
        playlists=Playlists(
            live=in_place(store, keys.live_playlist(CHANNEL)),
            vod=in_place(store, keys.vod_playlist(CHANNEL, SESSION)),
            is_live=True,
            is_vod=False,
            session_id=SESSION,
            list_size=6,
            sequence=(0, 0),
            target=target,
        ),
        latest=in_place(store, keys.latest_snapshot(CHANNEL)),
        channel_id=CHANNEL,
        session_id=SESSION,
        hls_seconds=2,
        next_sequence=0,
        first_discontinuity=0,
    )
    return Spool(folder, ledger, shipping)
