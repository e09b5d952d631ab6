"""A picture's other sizes go the way of their picture: into the store before it, out of the spool with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import decode_head, encode_head
from services.worker.delivery.parcel import FILE_BYTES
from services.worker.succession.ledger import Ledger
from tests.doubles.faulty_store import FaultyStore, WatchedStore
from tests.worker.spool import CHANNEL, SESSION, Spool, a_spool, a_successor

pytestmark = pytest.mark.anyio

KEY = "snapshots/camera/2026/11/20/10/session/20261120T100004.000Z.jpg"
SIZES = [keys.resized(KEY, 80), keys.resized(KEY, 160)]


class TellingStore(FaultyStore):
    """Remembers what metadata each object was written with."""

    def __init__(self, inner: DirectoryStore) -> None:
        super().__init__(inner)
        self.told: dict[str, Mapping[str, str] | None] = {}

    def create(self, key: str, source: Path, *, sha256: str, metadata: Mapping[str, str] | None = None) -> None:
        super().create(key, source, sha256=sha256, metadata=metadata)
        self.told[key] = metadata

    def replace(self, key: str, body: bytes, *, etag: str | None, metadata: Mapping[str, str] | None = None) -> str:
        self.told[key] = metadata
        return super().replace(key, body, etag=etag, metadata=metadata)


@pytest.fixture
def store(objects: DirectoryStore) -> TellingStore:
    return TellingStore(objects)


@pytest.fixture
def spool(tmp_path: Path, store: TellingStore) -> Iterator[Spool]:
    spool = a_spool(tmp_path / "session", store)
    with spool.ledger:
        yield spool


def left(spool: Spool) -> list[str]:
    """Give what lies in the spool besides the books."""
    return sorted(path.name for path in (spool.folder / "run").iterdir())


def the_entry(spool: Spool) -> Artifact:
    (entry,) = spool.manifest.head.tail
    return entry


async def test_every_size_is_in_the_manifest_as_it_lies_in_the_store(spool: Spool, objects: DirectoryStore) -> None:
    await spool.ship(spool.judged_snapshot(4, (80, 160)))
    entry = the_entry(spool)

    assert [size.key for size in entry.sizes] == SIZES
    told = {size.key: (size.bytes, size.sha256) for size in entry.sizes} | {entry.key: (entry.bytes, entry.sha256)}
    bodies = {key: objects.read(key).body for key in told}
    assert told == {key: (len(body), hashlib.sha256(body).hexdigest()) for key, body in bodies.items()}
    assert [(size.width, size.height) for size in entry.sizes] == [(80, 90), (160, 90)]
    assert (entry.flags, entry.phash) == (("black",), "00ff" * 8)
    assert left(spool) == []


async def test_what_a_picture_was_judged_to_be_outlives_the_manifests_bytes(spool: Spool) -> None:
    await spool.ship(spool.judged_snapshot(4, (80, 160)))

    assert decode_head(encode_head(spool.manifest.head)).tail == (the_entry(spool),)


async def test_a_picture_is_not_there_before_its_sizes_are(tmp_path: Path, objects: DirectoryStore) -> None:
    written: list[str] = []
    spool = a_spool(tmp_path / "session", WatchedStore(objects, lambda _, key, __: written.append(key)))
    with spool.ledger:
        await spool.ship(spool.judged_snapshot(4, (80, 160)))

    dated = [key for key in written if key.startswith(f"snapshots/{CHANNEL}/2")]
    assert sorted(dated[:2]) == sorted(SIZES)
    assert dated[2:] == [KEY]


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_a_store_that_fails_for_a_while_gets_everything_once(
    spool: Spool, store: TellingStore, failures: int
) -> None:
    store.fail("create", failures)
    await spool.ship(spool.judged_snapshot(4, (80, 160)))

    assert [size.key for size in the_entry(spool).sizes] == SIZES
    assert left(spool) == []


async def test_a_size_that_is_gone_keeps_nothing_else_back(spool: Spool) -> None:
    waiting = spool.judged_snapshot(4, (80, 160))
    waiting.file.sizes[0].path.unlink()
    await spool.ship(waiting)

    assert [size.key for size in the_entry(spool).sizes] == SIZES[1:]


async def test_a_picture_whose_key_is_taken_takes_its_sizes_along(spool: Spool, objects: DirectoryStore) -> None:
    other = spool.folder / "other"
    other.write_bytes(b"another worker's")
    for key in (KEY, *SIZES):
        objects.create(key, other, sha256=hashlib.sha256(b"another worker's").hexdigest())
    await spool.ship(spool.judged_snapshot(4, (80, 160)))

    moved = KEY.replace("04.000Z", "04.001Z")
    assert the_entry(spool).key == moved
    assert [size.key for size in the_entry(spool).sizes] == [keys.resized(moved, 80), keys.resized(moved, 160)]


async def test_every_object_of_a_picture_carries_its_capture_time(spool: Spool, store: TellingStore) -> None:
    await spool.ship(spool.judged_snapshot(4, (80,)))

    wanted = {"captured-at": "2026-11-20T10:00:04.000Z", "session": SESSION}
    for key in (KEY, SIZES[0], keys.latest_snapshot(CHANNEL)):
        assert store.told[key] == wanted


async def test_sizes_count_in_the_spools_bound_and_are_dropped_with_their_picture(spool: Spool) -> None:
    waiting = spool.judged_snapshot(4, (80, 160))
    total = sum((spool.folder / "run" / name).stat().st_size for name in left(spool))
    lane = spool.shipping.lanes()[Kind.SNAPSHOT]
    lane.put(waiting)

    assert lane.cost == total + 3 * FILE_BYTES
    assert lane.drop_oldest()
    assert (lane.cost, left(spool)) == (0, [])


async def test_a_successor_ships_the_sizes_too(tmp_path: Path, objects: DirectoryStore) -> None:
    folder = tmp_path / "session"
    spool = a_spool(folder, objects)
    with spool.ledger:
        spool.judged_snapshot(4, (80, 160))
    with Ledger(folder / "ledger.jsonl") as ledger:
        later, inherited = await a_successor(folder, objects, ledger)
        await later.ship(*inherited.leftovers.waiting, parcels=inherited.leftovers.parcels)

    entry = the_entry(later)
    assert [size.key for size in entry.sizes] == SIZES
    assert (entry.flags, entry.phash) == (("black",), "00ff" * 8)
    assert left(later) == []


async def test_what_a_kill_left_of_a_shipped_picture_is_removed_with_its_sizes(
    tmp_path: Path, objects: DirectoryStore
) -> None:
    folder = tmp_path / "session"
    spool = a_spool(folder, objects)
    with spool.ledger:
        waiting = spool.judged_snapshot(4, (80, 160))
        spool.ledger.shipped(await spool.shipping.upload(waiting.parcel()), waiting.file.path)
    with Ledger(folder / "ledger.jsonl") as ledger:
        later, inherited = await a_successor(folder, objects, ledger)

    assert inherited.leftovers.waiting == []
    assert left(later) == []
