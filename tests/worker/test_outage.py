"""A store that is away: capture goes on, the spool is bounded, what is dropped is declared, and then it drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import m3u8
import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys
from services.domain.artifact import Kind
from services.domain.errors import ObjectNotFound
from services.domain.manifest import Gap
from services.runtime import metrics
from services.worker.delivery.lane import Lane
from services.worker.delivery.parcel import FILE_BYTES, Waiting
from services.worker.events import FileClosed
from services.worker.succession.ledger import Ledger
from tests.doubles.faulty_store import FaultyStore, WatchedStore
from tests.examples import NOW
from tests.media import Clip, Media
from tests.worker.captures import captured
from tests.worker.heard import until
from tests.worker.spool import ANCHOR, CHANNEL, SESSION, Spool, a_spool, a_successor

pytestmark = pytest.mark.anyio

LIVE, LATEST = keys.live_playlist(CHANNEL), keys.latest_snapshot(CHANNEL)
VOD = keys.vod_playlist(CHANNEL, SESSION)
SIZE = 3


@pytest.fixture(scope="module")
def capture(media: Media, tmp_path_factory: pytest.TempPathFactory) -> list[FileClosed]:
    """Twelve segments of a second."""
    clip = Clip(seconds=12, gop_seconds=1)
    return captured(media.file(clip), tmp_path_factory.mktemp("capture"), segment=1)


@pytest.fixture
def faulty(objects: DirectoryStore) -> FaultyStore:
    return FaultyStore(objects)


@pytest.fixture
def written(faulty: FaultyStore) -> tuple[list[str], WatchedStore]:
    """What was written since, by key, and the store to write to."""
    keys_written: list[str] = []

    def watch(_call: str, key: str, _body: bytes) -> None:
        if not faulty.is_away.is_set():
            keys_written.append(key)

    return keys_written, WatchedStore(faulty, watch)


@pytest.fixture
def spool(tmp_path: Path, written: tuple[list[str], WatchedStore]) -> Iterator[Spool]:
    spool = a_spool(tmp_path / SESSION, written[1], list_size=SIZE, is_vod=True, spool_bytes=48 * FILE_BYTES)
    with spool.ledger:
        yield spool


def segment(spool: Spool, capture: list[FileClosed], number: int) -> Waiting:
    file = capture[number]
    path = spool.folder / "run" / file.path.name
    path.write_bytes(file.path.read_bytes())
    return spool.close_file(Kind.SEGMENT, path, max(0.08, file.start), file.end)


@asynccontextmanager
async def running(spool: Spool) -> AsyncIterator[dict[Kind, Lane]]:
    lanes = spool.shipping.lanes()
    async with spool.indexing():
        tasks = [asyncio.create_task(lane.run()) for lane in lanes.values()]
        try:
            yield lanes
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def live(objects: DirectoryStore) -> list[int]:
    try:
        text = objects.read(LIVE).body.decode()
    except ObjectNotFound:
        return []
    parsed = m3u8.loads(text)
    return [(parsed.media_sequence or 0) + at for at in range(len(parsed.segments))]


async def test_after_an_outage_the_picture_and_the_live_edge_come_first_and_then_all_the_rest(
    spool: Spool,
    faulty: FaultyStore,
    objects: DirectoryStore,
    capture: list[FileClosed],
    written: tuple[list[str], WatchedStore],
) -> None:
    async with running(spool) as lanes:
        lanes[Kind.SEGMENT].put(segment(spool, capture, 0))
        lanes[Kind.SNAPSHOT].put(spool.snapshot(0))
        await until(lambda: live(objects) == [0] and spool.latest._newest is None)
        await until(lambda: LATEST in written[0] and lanes[Kind.SNAPSHOT].waiting() == 0)
        faulty.is_away.set()
        for number in range(1, 12):
            lanes[Kind.SEGMENT].put(segment(spool, capture, number))
            lanes[Kind.SNAPSHOT].put(spool.snapshot(number))
        await until(lambda: len(lanes[Kind.SEGMENT].backlog) == 11 and spool.patience.is_away)
        written[0].clear()
        faulty.is_away.clear()
        await until(lambda: all(lane.waiting() == 0 for lane in lanes.values()))
        await until(lambda: live(objects) == [9, 10, 11])

    first = [key for key in written[0] if key.endswith(".ts")][:6]
    newest = [keys.segment(CHANNEL, SESSION, number) for number in (9, 10, 11)]
    assert set(newest) <= set(first), "six are uploaded at once, and the live edge is among the first six"
    assert written[0].index(LATEST) < 25
    assert [entry.media_sequence for entry in spool.playlists._whole.named] == list(range(12))  # type: ignore[union-attr] # it is on
    assert spool.manifest.head.gaps == ()


async def test_a_full_spool_drops_the_oldest_pictures_and_says_so(
    spool: Spool, faulty: FaultyStore, objects: DirectoryStore
) -> None:
    faulty.is_away.set()
    dropped = metrics.DROPPED.labels("snapshots", "store_dropped")._value
    before = dropped.get()
    async with running(spool) as lanes:
        for number in range(60):
            lanes[Kind.SNAPSHOT].put(spool.snapshot(number))
        await until(lambda: spool.patience.is_away)
        faulty.is_away.clear()
        await until(lambda: all(lane.waiting() == 0 for lane in lanes.values()))

    (gap,) = spool.manifest.head.gaps
    count = int(dropped.get() - before)
    assert 12 <= count <= 20
    assert gap == Gap(
        started_at=NOW, ended_at=NOW + timedelta(seconds=count), outputs=("snapshots",), cause="store_dropped"
    )
    assert len(spool.manifest.head.tail) == 60 - count
    assert objects.read(LATEST).body.endswith(b"picture 59")


async def test_what_was_dropped_is_known_to_a_successor(
    spool: Spool, faulty: FaultyStore, objects: DirectoryStore, capture: list[FileClosed]
) -> None:
    """The head cannot be written while the store is away: the ledger tells of gaps and of holes."""
    async with running(spool) as lanes:
        faulty.is_away.set()
        for number in range(12):
            lanes[Kind.SEGMENT].put(segment(spool, capture, number))
        await until(lambda: spool.preparing.next_sequence == 12)
        await until(lambda: sum(lanes[Kind.SEGMENT].drop_oldest() for _ in range(4)) > 0)
    gaps = spool.manifest.head.gaps
    spool.ledger.__exit__()
    faulty.is_away.clear()

    with Ledger(spool.folder / "ledger.jsonl") as ledger:
        later, inherited = await a_successor(spool.folder, objects, ledger, is_vod=True, list_size=SIZE)
        assert later.manifest.head.gaps == gaps
        await later.ship(parcels=inherited.leftovers.parcels)
        await later.playlists.end()

    listed = m3u8.loads(objects.read(VOD).body.decode())
    dropped = 12 - len(listed.segments)
    assert dropped >= 1
    assert [segment.discontinuity for segment in listed.segments].count(True) <= dropped
    assert [segment.uri for segment in listed.segments][-3:] == [f"{number:09d}.ts" for number in (9, 10, 11)]
    assert live(objects) == [9, 10, 11]


async def test_a_worker_whose_store_is_away_takes_over_from_the_spool_alone(
    spool: Spool, faulty: FaultyStore, capture: list[FileClosed]
) -> None:
    await spool.ship(*(segment(spool, capture, number) for number in range(4)))
    await spool.manifest.write()
    waiting = segment(spool, capture, 4)
    spool.ledger.__exit__()
    faulty.is_away.set()

    with Ledger(spool.folder / "ledger.jsonl") as ledger:
        async with asyncio.timeout(5):
            later, inherited = await a_successor(spool.folder, faulty, ledger)

    assert [entry.media_sequence for entry in later.manifest.head.tail] == [0, 1, 2, 3]
    assert inherited.next_sequence == 4
    assert [item.file for item in inherited.leftovers.waiting] == [waiting.file]
    assert inherited.leftovers.waiting[0].anchor == ANCHOR


async def test_a_lane_that_hangs_stops_no_other(
    tmp_path: Path, objects: DirectoryStore, capture: list[FileClosed]
) -> None:
    faulty = FaultyStore(objects)
    refused = WatchedStore(faulty, lambda _call, key, _body: faulty.fail("create", int(key.startswith("recordings/"))))
    spool = a_spool(tmp_path / SESSION, refused)
    with spool.ledger:
        async with running(spool) as lanes:
            garbage = spool.folder / "run" / "recording-000000000.mp4"
            garbage.write_bytes(capture[0].path.read_bytes())
            lanes[Kind.RECORDING].put(spool.close_file(Kind.RECORDING, garbage, 0.08, 1))
            for number in range(3):
                lanes[Kind.SEGMENT].put(segment(spool, capture, number))
                lanes[Kind.SNAPSHOT].put(spool.snapshot(number))
            await until(lambda: live(objects) == [0, 1, 2])
            await until(lambda: lanes[Kind.SNAPSHOT].waiting() == 0)

            assert lanes[Kind.RECORDING].waiting() == 1
