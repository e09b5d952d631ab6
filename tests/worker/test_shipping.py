"""From the spool into the store: in order, nothing lost, media before index, upload before delete."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import m3u8
import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys
from services.domain.artifact import Kind
from services.domain.errors import ObjectNotFound
from services.domain.manifest import decode_head
from services.domain.ports import ObjectStore
from services.worker.lane import Waiting
from tests.doubles.faulty_store import FaultyStore, WatchedStore
from tests.media import Clip, Media
from tests.worker.captures import captured, probed
from tests.worker.heard import until
from tests.worker.spool import CHANNEL, SESSION, Spool, a_spool, stored_head

pytestmark = pytest.mark.anyio

LIVE = keys.live_playlist(CHANNEL)
LATEST = keys.latest_snapshot(CHANNEL)


def snapshot_key(number: int) -> str:
    return f"snapshots/camera/2026/11/20/10/session/20261120T1000{number:02d}.000Z.jpg"


@pytest.fixture
def faulty(objects: DirectoryStore) -> FaultyStore:
    return FaultyStore(objects)


@pytest.fixture
def spool(tmp_path: Path, faulty: FaultyStore) -> Iterator[Spool]:
    spool = a_spool(tmp_path / "session", faulty)
    with spool.ledger:
        yield spool


async def ship(spool: Spool, *waiting: Waiting) -> None:
    """Ship these to the end of their lanes."""
    lanes = spool.shipping.lanes()
    for one in waiting:
        lanes[one.file.kind].put(one)
    async with asyncio.timeout(20):
        for lane in lanes.values():
            await lane.close()
        await asyncio.gather(*(lane.run() for lane in lanes.values()))


def segments(spool: Spool, media: Media, clip: Clip = Clip(), seconds: float = 2) -> list[Waiting]:  # noqa: B008 - frozen
    files = captured(media.file(clip), spool.folder / "run", segment=seconds)
    return [spool.close_file(Kind.SEGMENT, file.path, max(0.08, file.start), file.end) for file in files]


def listed(store: ObjectStore) -> list[str]:
    """Give the keys of the segments that live.m3u8 names."""
    return [f"hls/{CHANNEL}/{segment.uri}" for segment in m3u8.loads(store.read(LIVE).body.decode()).segments]


def is_there(store: ObjectStore, key: str) -> bool:
    try:
        store.read(key)
    except ObjectNotFound:
        return False
    return True


async def test_a_snapshot_lands_under_its_capture_time(spool: Spool, objects: DirectoryStore) -> None:
    await ship(spool, spool.snapshot(4))

    assert objects.read(snapshot_key(4)).body == b"\xff\xd8\xff picture 4"


async def test_the_newest_snapshot_is_latest(spool: Spool, objects: DirectoryStore) -> None:
    await ship(spool, spool.snapshot(4), spool.snapshot(5))

    assert objects.read(LATEST).body == b"\xff\xd8\xff picture 5"


async def test_what_has_shipped_leaves_the_spool(spool: Spool, media: Media) -> None:
    recordings = captured(media.file(Clip()), spool.folder / "run", recording=4)
    await ship(
        spool,
        spool.snapshot(4),
        *(spool.close_file(Kind.RECORDING, file.path, max(0.08, file.start), file.end) for file in recordings),
        *segments(spool, media),
    )

    assert list((spool.folder / "run").iterdir()) == []


async def test_an_entry_tells_what_lies_in_the_store(spool: Spool, objects: DirectoryStore) -> None:
    await ship(spool, spool.snapshot(4))
    entry = spool.shipping.manifest.head.tail[0]
    body = objects.read(entry.key).body

    assert (entry.bytes, entry.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (entry.width, entry.height, entry.part) == (320, 180, 0)
    assert entry.captured_at == keys.captured_at(entry.key)


async def test_a_recording_ships_as_an_ordinary_mp4(spool: Spool, objects: DirectoryStore, media: Media) -> None:
    file = captured(media.file(Clip()), spool.folder / "run", recording=60)[0]
    await ship(spool, spool.close_file(Kind.RECORDING, file.path, 0.08, file.end))
    entry = spool.shipping.manifest.head.tail[0]

    assert entry.key == "recordings/camera/2026/11/20/10/session/20261120T100000.080Z.mp4"
    assert b"moof" not in objects.read(entry.key).body
    assert float(probed(objects.locate(entry.key, seconds=1).path)["format"]["duration"]) == pytest.approx(6, abs=0.2)


async def test_a_part_is_described_by_its_first_file(spool: Spool, media: Media) -> None:
    await ship(spool, *segments(spool, media))
    part = spool.shipping.manifest.head.parts[0]

    assert part.video == {"codec": "h264", "width": 320, "height": 180}
    assert part.audio == {"codec": "aac", "sample_rate": 44100, "channels": 1}


async def test_a_file_that_cannot_be_read_is_declared_and_the_next_one_ships(spool: Spool, media: Media) -> None:
    broken = spool.folder / "run" / "recording-000000009.mp4"
    broken.write_bytes(b"garbage")
    good = captured(media.file(Clip()), spool.folder / "run", recording=60)[0]
    await ship(
        spool,
        spool.close_file(Kind.RECORDING, broken, 0, 1),
        spool.close_file(Kind.RECORDING, good.path, 1, good.end),
    )

    (gap,) = spool.shipping.manifest.head.gaps
    assert len(spool.lines()) == 1
    assert not broken.exists()
    assert (gap.outputs, gap.cause, (gap.ended_at - gap.started_at).total_seconds()) == (
        ("recordings",),
        "undecodable",
        1,
    )


async def test_a_store_that_fails_for_a_while_loses_nothing_and_keeps_the_order(
    spool: Spool, faulty: FaultyStore
) -> None:
    faulty.fail("create", 2)
    faulty.fail("replace", 2)
    await ship(spool, *(spool.snapshot(number) for number in range(10, 16)))

    assert faulty.refused == 4
    assert spool.lines() == [snapshot_key(number) for number in range(10, 16)]
    assert [entry.key for entry in spool.shipping.manifest.head.tail] == spool.lines()


async def test_a_segment_is_shipped_and_listed_once_in_spite_of_retries(
    spool: Spool, faulty: FaultyStore, objects: DirectoryStore, media: Media
) -> None:
    faulty.fail("create", 2)
    faulty.fail("replace", 1)
    await ship(spool, *segments(spool, media))

    assert listed(objects) == [keys.segment(CHANNEL, SESSION, number) for number in range(3)]
    assert spool.lines() == listed(objects)


async def test_the_file_stays_in_the_spool_until_the_books_and_the_index_have_it(
    spool: Spool, faulty: FaultyStore
) -> None:
    waiting = spool.snapshot(4)
    faulty.fail("replace", 1_000)
    lane = spool.shipping.lanes()[Kind.SNAPSHOT]
    lane.put(waiting)
    running = asyncio.create_task(lane.run())
    await until(lambda: faulty.refused > 0)

    assert spool.lines() == [snapshot_key(4)]
    assert waiting.file.path.exists()

    faulty.fail("replace", 0)
    await until(lambda: not waiting.file.path.exists())
    running.cancel()


async def test_no_file_leaves_the_spool_while_the_store_is_away(spool: Spool, faulty: FaultyStore) -> None:
    waiting = spool.snapshot(4)
    faulty.is_away.set()
    lane = spool.shipping.lanes()[Kind.SNAPSHOT]
    lane.put(waiting)
    running = asyncio.create_task(lane.run())
    await until(lambda: faulty.refused >= 2)

    assert waiting.file.path.exists()
    assert spool.lines() == []

    faulty.is_away.clear()
    await until(lambda: not waiting.file.path.exists())
    running.cancel()


async def test_no_index_ever_names_what_is_not_there(tmp_path: Path, objects: DirectoryStore, media: Media) -> None:
    missing: list[str] = []
    written: list[str] = []

    def watch(call: str, key: str, body: bytes) -> None:
        written.append(key)
        if key == LIVE:
            named = [f"hls/{CHANNEL}/{segment.uri}" for segment in m3u8.loads(body.decode()).segments]
        elif call == "replace" and key == keys.head(CHANNEL, SESSION):
            named = [entry.key for entry in decode_head(body).tail]
        else:
            return
        missing.extend(name for name in named if not is_there(objects, name))

    spool = a_spool(tmp_path / "session", WatchedStore(objects, watch))
    with spool.ledger:
        await ship(spool, *segments(spool, media), spool.snapshot(4))
        await spool.shipping.manifest.write()

    assert missing == []
    assert written.count(LIVE) == 3
    assert written[-1] == keys.head(CHANNEL, SESSION)


async def test_a_key_that_is_taken_by_other_content_is_not_listed(spool: Spool, objects: DirectoryStore) -> None:
    taken = spool.folder / "other.jpg"
    taken.write_bytes(b"another worker's")
    objects.create(snapshot_key(4), taken, sha256=hashlib.sha256(b"another worker's").hexdigest())
    await ship(spool, spool.snapshot(4), spool.snapshot(5))

    assert [entry.key for entry in spool.shipping.manifest.head.tail] == [snapshot_key(5)]
    assert objects.read(snapshot_key(4)).body == b"another worker's"


async def test_a_segment_whose_key_is_taken_by_other_content_is_not_listed(
    spool: Spool, objects: DirectoryStore, media: Media
) -> None:
    taken = spool.folder / "other.ts"
    taken.write_bytes(b"another worker's")
    objects.create(keys.segment(CHANNEL, SESSION, 0), taken, sha256=hashlib.sha256(b"another worker's").hexdigest())
    await ship(spool, *segments(spool, media))

    assert keys.segment(CHANNEL, SESSION, 0) not in listed(objects)
    assert spool.lines() == listed(objects)


async def test_ones_own_object_of_an_earlier_attempt_is_success(spool: Spool, objects: DirectoryStore) -> None:
    waiting = spool.snapshot(4)
    body = waiting.file.path.read_bytes()
    objects.create(snapshot_key(4), waiting.file.path, sha256=hashlib.sha256(body).hexdigest())
    await ship(spool, waiting)

    assert spool.lines() == [snapshot_key(4)]


async def test_the_first_segment_fixes_the_target_and_longer_ones_are_cut(
    spool: Spool, objects: DirectoryStore, media: Media
) -> None:
    spool.shipping.playlists.target = 3
    await ship(spool, *segments(spool, media, Clip(seconds=12, gop_seconds=10)))
    playlist = m3u8.loads(objects.read(LIVE).body.decode())

    assert playlist.target_duration == 3
    assert all((segment.duration or 0) <= 3.499 for segment in playlist.segments)
    assert len(playlist.segments) >= 4
    assert spool.lines()[-4:] == listed(objects)[-4:]


async def test_the_manifest_head_is_written_with_all_that_shipped(spool: Spool, objects: DirectoryStore) -> None:
    await ship(spool, spool.snapshot(4), spool.snapshot(5))
    await spool.shipping.manifest.write()
    head = stored_head(objects)

    assert head is not None
    assert head.totals["snapshots"] == 2
