"""From the spool into the store: in order, nothing lost, media before index, upload before delete."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import m3u8
import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys
from services.domain.artifact import Kind
from services.domain.errors import ObjectNotFound
from services.domain.manifest import decode_head
from services.domain.ports import ObjectStore
from services.worker.delivery.lane import Lane
from services.worker.delivery.parcel import Waiting
from services.worker.pictures.transport_stream import PACKET_BYTES
from tests.doubles.faulty_store import FaultyStore, WatchedStore
from tests.media import Clip, Media
from tests.numbered import NumberedClip, NumberedMedia
from tests.verifier.media import decode
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


def segments(spool: Spool, media: Media, clip: Clip = Clip(), seconds: float = 2) -> list[Waiting]:  # noqa: B008 - frozen
    files = captured(media.file(clip), spool.folder / "run", segment=seconds)
    return [spool.close_file(Kind.SEGMENT, file.path, max(0.08, file.start), file.end) for file in files]


@asynccontextmanager
async def running(lane: Lane) -> AsyncIterator[None]:
    task = asyncio.create_task(lane.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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
    await spool.ship(spool.snapshot(4))

    assert objects.read(snapshot_key(4)).body == b"\xff\xd8\xff picture 4"


async def test_the_newest_snapshot_is_latest(spool: Spool, objects: DirectoryStore) -> None:
    await spool.ship(spool.snapshot(4), spool.snapshot(5))

    assert objects.read(LATEST).body == b"\xff\xd8\xff picture 5"


async def test_what_has_shipped_leaves_the_spool(spool: Spool, media: Media) -> None:
    recordings = captured(media.file(Clip()), spool.folder / "run", recording=4)
    await spool.ship(
        spool.snapshot(4),
        *(spool.close_file(Kind.RECORDING, file.path, max(0.08, file.start), file.end) for file in recordings),
        *segments(spool, media),
    )

    assert list((spool.folder / "run").iterdir()) == []


async def test_an_entry_tells_what_lies_in_the_store(spool: Spool, objects: DirectoryStore) -> None:
    await spool.ship(spool.snapshot(4))
    entry = spool.manifest.head.tail[0]
    body = objects.read(entry.key).body

    assert (entry.bytes, entry.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (entry.width, entry.height, entry.part) == (320, 180, 0)
    assert entry.captured_at == keys.captured_at(entry.key)


async def test_a_recording_ships_as_an_ordinary_mp4(spool: Spool, objects: DirectoryStore, media: Media) -> None:
    file = captured(media.file(Clip()), spool.folder / "run", recording=60)[0]
    await spool.ship(spool.close_file(Kind.RECORDING, file.path, 0.08, file.end))
    entry = spool.manifest.head.tail[0]

    assert entry.key == "recordings/camera/2026/11/20/10/session/20261120T100000.080Z.mp4"
    assert b"moof" not in objects.read(entry.key).body
    assert float(probed(objects.locate(entry.key, seconds=1).path)["format"]["duration"]) == pytest.approx(6, abs=0.2)


async def test_a_segment_of_a_few_packets_can_be_read_by_itself(
    spool: Spool, objects: DirectoryStore, numbered: NumberedMedia
) -> None:
    clip = NumberedClip(seconds=2.08, gop_seconds=2)
    _, file = captured(numbered.file(clip), spool.folder / "run", segment=2)
    assert file.path.stat().st_size <= 10 * PACKET_BYTES
    await spool.ship(spool.close_file(Kind.SEGMENT, file.path, file.start, file.end))
    (entry,) = spool.manifest.head.tail
    path = objects.locate(entry.key, seconds=1).path

    frames, complaints = decode([path])

    assert [frame.tick for frame in frames] == [200, 204]
    assert complaints == ""
    assert [stream["codec_name"] for stream in probed(path)["streams"]] == ["h264", "aac"]
    assert entry.bytes == path.stat().st_size


async def test_a_part_is_described_by_its_first_file(spool: Spool, media: Media) -> None:
    await spool.ship(*segments(spool, media))
    part = spool.manifest.head.parts[0]

    assert part.video == {"codec": "h264", "width": 320, "height": 180}
    assert part.audio == {"codec": "aac", "sample_rate": 44100, "channels": 1}


async def test_a_file_that_cannot_be_read_is_declared_and_the_next_one_ships(spool: Spool, media: Media) -> None:
    broken = spool.folder / "run" / "recording-000000009.mp4"
    broken.write_bytes(b"garbage")
    good = captured(media.file(Clip()), spool.folder / "run", recording=60)[0]
    await spool.ship(
        spool.close_file(Kind.RECORDING, broken, 0, 1),
        spool.close_file(Kind.RECORDING, good.path, 1, good.end),
    )

    (gap,) = spool.manifest.head.gaps
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
    await spool.ship(*(spool.snapshot(number) for number in range(10, 16)))

    assert faulty.refused == 4
    assert spool.lines() == [snapshot_key(number) for number in range(10, 16)]
    assert [entry.key for entry in spool.manifest.head.tail] == spool.lines()


async def test_a_segment_is_shipped_and_listed_once_in_spite_of_retries(
    spool: Spool, faulty: FaultyStore, objects: DirectoryStore, media: Media
) -> None:
    faulty.fail("create", 2)
    faulty.fail("replace", 1)
    await spool.ship(*segments(spool, media))

    assert listed(objects) == [keys.segment(CHANNEL, SESSION, number) for number in range(3)]
    assert sorted(spool.lines()) == listed(objects)


async def test_a_picture_is_shown_and_stored_apart_from_each_other(
    spool: Spool, faulty: FaultyStore, objects: DirectoryStore
) -> None:
    """Neither waits for the other: `replace` writes latest.jpg, `create` the dated one."""
    waiting = spool.snapshot(4)
    faulty.fail("replace", 1_000)
    lane = spool.shipping.lanes()[Kind.SNAPSHOT]
    async with spool.indexing(), running(lane):
        lane.put(waiting)
        await until(lambda: spool.lines() == [snapshot_key(4)])
        assert not is_there(objects, LATEST)

        faulty.fail("create", 1_000)
        faulty.fail("replace", 0)
        lane.put(spool.snapshot(5))
        await until(lambda: is_there(objects, LATEST) and objects.read(LATEST).body.endswith(b"picture 5"))
        assert spool.lines() == [snapshot_key(4)]


async def test_no_file_leaves_the_spool_while_the_store_is_away(spool: Spool, faulty: FaultyStore) -> None:
    waiting = spool.snapshot(4)
    faulty.is_away.set()
    lane = spool.shipping.lanes()[Kind.SNAPSHOT]
    lane.put(waiting)
    async with running(lane):
        await until(lambda: faulty.refused >= 2)

        assert waiting.file.path.exists()
        assert spool.lines() == []

        faulty.is_away.clear()
        await until(lambda: not waiting.file.path.exists())


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
        await spool.ship(*segments(spool, media), spool.snapshot(4))
        await spool.manifest.write()

    assert missing == []
    assert written.count(LIVE) >= 1
    assert written[-1] == keys.head(CHANNEL, SESSION)


def taken(spool: Spool, objects: DirectoryStore, key: str) -> None:
    other = spool.folder / "other"
    other.write_bytes(b"another worker's")
    objects.create(key, other, sha256=hashlib.sha256(b"another worker's").hexdigest())


async def test_a_picture_whose_key_is_taken_is_kept_under_the_next_millisecond(
    spool: Spool, objects: DirectoryStore
) -> None:
    taken(spool, objects, snapshot_key(4))
    await spool.ship(spool.snapshot(4))
    (entry,) = spool.manifest.head.tail

    assert entry.key == snapshot_key(4).replace("04.000Z", "04.001Z")
    assert entry.captured_at == keys.captured_at(entry.key)
    assert objects.read(entry.key).body.endswith(b"picture 4")
    assert objects.read(snapshot_key(4)).body == b"another worker's"


async def test_a_segment_whose_key_is_taken_keeps_its_number_under_another(
    spool: Spool, objects: DirectoryStore, media: Media
) -> None:
    taken(spool, objects, keys.segment(CHANNEL, SESSION, 1))
    await spool.ship(*segments(spool, media))
    second = next(entry for entry in spool.manifest.head.tail if entry.media_sequence == 1)

    assert second.key == keys.segment(CHANNEL, SESSION, 1, second.sha256[:8])
    assert [key.rpartition("/")[2][:9] for key in listed(objects)] == ["000000000", "000000001", "000000002"]
    assert objects.read(keys.segment(CHANNEL, SESSION, 1)).body == b"another worker's"


async def test_ones_own_object_of_an_earlier_attempt_is_success(spool: Spool, objects: DirectoryStore) -> None:
    waiting = spool.snapshot(4)
    body = waiting.file.path.read_bytes()
    objects.create(snapshot_key(4), waiting.file.path, sha256=hashlib.sha256(body).hexdigest())
    await spool.ship(waiting)

    assert spool.lines() == [snapshot_key(4)]


async def test_the_first_segment_fixes_the_target_and_longer_ones_are_cut(
    spool: Spool, objects: DirectoryStore, media: Media
) -> None:
    spool.playlists.target = 3
    await spool.ship(*segments(spool, media, Clip(seconds=12, gop_seconds=10)))
    playlist = m3u8.loads(objects.read(LIVE).body.decode())

    assert playlist.target_duration == 3
    assert all((segment.duration or 0) <= 3.499 for segment in playlist.segments)
    assert len(playlist.segments) >= 4
    assert sorted(spool.lines())[-4:] == listed(objects)[-4:]


async def test_the_manifest_head_is_written_with_all_that_shipped(spool: Spool, objects: DirectoryStore) -> None:
    await spool.ship(spool.snapshot(4), spool.snapshot(5))
    await spool.manifest.write()
    head = stored_head(objects)

    assert head is not None
    assert head.totals["snapshots"] == 2
