from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import keys
from services.domain.errors import ObjectNotFound, StoreUnavailable
from services.domain.manifest import CHUNK_ENTRIES, CHUNK_SPAN, Gap, Head, Part, decode_chunk, decode_head
from services.domain.session import SessionState
from services.worker.delivery.manifest_keeper import WRITE_SECONDS, ManifestKeeper
from tests.doubles.faulty_store import FaultyStore, WatchedStore
from tests.examples import NOW, a_session
from tests.worker.heard import until
from tests.worker.spool import CHANNEL, SESSION, a_keeper, an_entry, stored_head

pytestmark = pytest.mark.anyio

HEAD = keys.head(CHANNEL, SESSION)
CHUNK = keys.chunk(CHANNEL, SESSION, 0)


@asynccontextmanager
async def running(keeper: ManifestKeeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def head_of(objects: DirectoryStore) -> Head:
    head = stored_head(objects)
    assert head is not None
    return head


async def test_a_change_is_written_at_once_when_nothing_was_written_lately(
    objects: DirectoryStore, tmp_path: Path
) -> None:
    keeper = a_keeper(objects, tmp_path)
    async with running(keeper):
        keeper.add(an_entry(1))
        await until(lambda: stored_head(objects) is not None, seconds=1)

    assert head_of(objects).tail == (an_entry(1),)


async def test_pictures_that_were_left_out_are_counted_and_no_gap(objects: DirectoryStore, tmp_path: Path) -> None:
    keeper = a_keeper(objects, tmp_path)
    keeper.count_unchanged()
    keeper.count_unchanged()
    keeper.add(an_entry(1))
    await keeper.write()

    assert head_of(objects).totals == {"unchanged": 2, "snapshots": 1, "bytes": 10}
    assert head_of(objects).gaps == ()


async def test_many_changes_are_few_writes(objects: DirectoryStore, tmp_path: Path) -> None:
    writes: list[float] = []

    def watch(call: str, key: str, _body: bytes) -> None:
        assert (call, key) == ("replace", HEAD)
        writes.append(time.monotonic())

    keeper = a_keeper(WatchedStore(objects, watch), tmp_path)
    changes = 0

    def change() -> bool:
        nonlocal changes
        changes += 1
        keeper.change_part(0, ended_at=None)
        return len(writes) == 2

    async with running(keeper):
        await until(change, seconds=WRITE_SECONDS + 5)

    assert changes > 100
    assert writes[1] - writes[0] == pytest.approx(WRITE_SECONDS, abs=0.5)


async def test_nothing_is_written_when_nothing_changed(objects: DirectoryStore, tmp_path: Path) -> None:
    keeper = a_keeper(objects, tmp_path)
    keeper.add(an_entry(1))
    async with running(keeper):
        await until(lambda: stored_head(objects) is not None)
        keeper.set(state=keeper.head.state)

        assert not keeper._dirty.is_set()


@pytest.mark.parametrize(
    ("count", "seconds_apart", "is_due"),
    [
        (CHUNK_ENTRIES - 1, 0, False),
        (CHUNK_ENTRIES, 0, True),
        (2, CHUNK_SPAN.total_seconds() - 1, False),
        (2, CHUNK_SPAN.total_seconds(), True),
    ],
)
async def test_a_chunk_closes_at_200_entries_or_at_two_minutes(
    objects: DirectoryStore, tmp_path: Path, count: int, seconds_apart: float, *, is_due: bool
) -> None:
    keeper = a_keeper(objects, tmp_path)
    entries = [an_entry(n, at=NOW + timedelta(seconds=n * seconds_apart)) for n in range(count)]
    for entry in entries:
        keeper.add(entry)
    await keeper.write()
    head = head_of(objects)

    assert (len(head.chunks), len(head.tail)) == ((1, 0) if is_due else (0, count))
    if is_due:
        assert decode_chunk(objects.read(head.chunks[0].key).body) == tuple(entries)


async def test_a_head_names_its_chunks_with_what_they_hold(objects: DirectoryStore, tmp_path: Path) -> None:
    keeper = a_keeper(objects, tmp_path)
    for number in range(CHUNK_ENTRIES):
        keeper.add(an_entry(number, at=NOW + timedelta(seconds=number / 10)))
    await keeper.write()
    reference = head_of(objects).chunks[0]

    assert (reference.number, reference.key) == (0, CHUNK)
    assert (reference.started_at, reference.ended_at) == (NOW, NOW + timedelta(seconds=(CHUNK_ENTRIES - 1) / 10))
    assert reference.counts == {"snapshots": CHUNK_ENTRIES, "recordings": 0, "segments": 0}


async def test_the_totals_count_what_is_in_chunks_too(objects: DirectoryStore, tmp_path: Path) -> None:
    keeper = a_keeper(objects, tmp_path)
    for number in range(CHUNK_ENTRIES + 5):
        keeper.add(an_entry(number))
        if number == CHUNK_ENTRIES - 1:
            await keeper.write()
    await keeper.write()

    assert head_of(objects).totals == {"snapshots": CHUNK_ENTRIES + 5, "bytes": 10 * (CHUNK_ENTRIES + 5)}


async def test_a_chunk_is_there_before_a_head_names_it(objects: DirectoryStore, tmp_path: Path) -> None:
    missing: list[str] = []
    named: list[str] = []

    def watch(call: str, key: str, body: bytes) -> None:
        if (call, key) != ("replace", HEAD):
            return
        for reference in decode_head(body).chunks:
            named.append(reference.key)
            try:
                objects.read(reference.key)
            except ObjectNotFound:
                missing.append(reference.key)

    keeper = a_keeper(WatchedStore(objects, watch), tmp_path)
    for number in range(3 * CHUNK_ENTRIES):
        keeper.add(an_entry(number))
        if number % CHUNK_ENTRIES == CHUNK_ENTRIES - 1:
            await keeper.write()

    assert len(set(named)) == 3
    assert missing == []


async def test_an_entry_that_arrives_while_a_chunk_is_written_stays_in_the_tail(
    objects: DirectoryStore, tmp_path: Path
) -> None:
    is_writing, may_go_on = threading.Event(), threading.Event()

    def watch(call: str, key: str, _body: bytes) -> None:
        if (call, key) == ("create", CHUNK):
            is_writing.set()
            assert may_go_on.wait(10)

    keeper = a_keeper(WatchedStore(objects, watch), tmp_path)
    for number in range(CHUNK_ENTRIES):
        keeper.add(an_entry(number))
    writing = asyncio.create_task(keeper.write())
    await until(is_writing.is_set)
    keeper.add(an_entry(CHUNK_ENTRIES))
    may_go_on.set()
    await writing
    head = head_of(objects)

    assert len(decode_chunk(objects.read(CHUNK).body)) == CHUNK_ENTRIES
    assert head.tail == (an_entry(CHUNK_ENTRIES),)


async def test_a_write_that_fails_is_done_later(objects: DirectoryStore, tmp_path: Path) -> None:
    faulty = FaultyStore(objects)
    faulty.fail("replace", 1)
    keeper = a_keeper(faulty, tmp_path)
    keeper.add(an_entry(1))
    with pytest.raises(StoreUnavailable):
        await keeper.write()
    assert stored_head(objects) is None

    async with running(keeper):
        await until(lambda: stored_head(objects) is not None)

    assert head_of(objects).tail == (an_entry(1),)


async def test_a_store_that_is_away_does_not_end_the_keeper(objects: DirectoryStore, tmp_path: Path) -> None:
    faulty = FaultyStore(objects)
    faulty.is_away.set()
    keeper = a_keeper(faulty, tmp_path)
    async with running(keeper):
        keeper.add(an_entry(1))
        await until(lambda: faulty.refused > 0)
        faulty.is_away.clear()
        await until(lambda: stored_head(objects) is not None, seconds=WRITE_SECONDS + 2)

    assert head_of(objects).tail == (an_entry(1),)


async def test_what_is_stored_stays_in_the_spool_for_a_later_worker(objects: DirectoryStore, tmp_path: Path) -> None:
    keeper = a_keeper(objects, tmp_path / "session")
    for number in range(CHUNK_ENTRIES):
        keeper.add(an_entry(number))
    await keeper.write()

    for key in (HEAD, CHUNK):
        assert (tmp_path / "session" / key.rpartition("/")[2]).read_bytes() == objects.read(key).body


async def test_parts_and_gaps_are_in_the_head(objects: DirectoryStore, tmp_path: Path) -> None:
    keeper = a_keeper(objects, tmp_path)
    gap = Gap(started_at=NOW, ended_at=NOW + timedelta(seconds=2), outputs=("hls",), cause="publisher_away")
    keeper.begin_part(Part(number=0, started_at=NOW))
    keeper.change_part(0, ended_at=NOW + timedelta(seconds=1))
    keeper.declare_gap(gap)
    await keeper.write()
    head = head_of(objects)

    assert head.parts == (Part(number=0, started_at=NOW, ended_at=NOW + timedelta(seconds=1)),)
    assert head.gaps == (gap,)
    assert keeper.last_end() == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(("seconds", "outputs"), [(0, ("hls",)), (-1, ("hls",)), (2, ())])
async def test_a_gap_of_nothing_is_not_declared(
    objects: DirectoryStore, tmp_path: Path, seconds: float, outputs: tuple[str, ...]
) -> None:
    keeper = a_keeper(objects, tmp_path)
    keeper.declare_gap(
        Gap(started_at=NOW, ended_at=NOW + timedelta(seconds=seconds), outputs=outputs, cause="ffmpeg_lost")
    )

    assert keeper.head.gaps == ()


async def test_nothing_is_written_after_the_write_that_ends_a_session(objects: DirectoryStore, tmp_path: Path) -> None:
    writes: list[str] = []
    keeper = a_keeper(WatchedStore(objects, lambda call, _key, _body: writes.append(call)), tmp_path)
    async with running(keeper):
        await asyncio.sleep(0)  # until it waits for a change
        keeper.end(NOW)
        await keeper.write()
        keeper.follow(a_session())  # as state still has it
        async with keeper._lock:  # who wanted to write too has had its turn
            assert writes == ["replace"]

    assert head_of(objects).state is keeper.head.state is SessionState.ENDED
