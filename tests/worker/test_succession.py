"""A worker that was killed between two steps is followed by another: nothing is shipped or listed twice, or lost."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain import keys
from services.domain.artifact import Kind
from services.domain.errors import StoreUnavailable
from services.domain.manifest import CHUNK_ENTRIES, decode_chunk, encode_chunk
from services.domain.session import SessionState
from tests.doubles.faulty_store import FaultyStore
from tests.examples import NOW, a_channel, a_session
from tests.media import Clip, Media
from tests.worker.captures import captured
from tests.worker.spool import CHANNEL, SESSION, a_keeper, a_spool, an_entry, stored_head

pytestmark = pytest.mark.anyio


async def successor(tmp_path: Path) -> None:
    """Run a worker that finishes what lies in the spool and ends the session, which is due."""
    with SqliteState(tmp_path / "state.db") as state:
        state.channels.add(a_channel(is_on_demand=True, reconnect_window=0))
        state.sessions.save(session=a_session(state=SessionState.INTERRUPTED, publisher=None, absent_since=NOW))
    settings = {
        "STREAMKEEP_STATE_PATH": str(tmp_path / "state.db"),
        "STREAMKEEP_OBJECTS_PATH": str(tmp_path / "objects"),
        "STREAMKEEP_SPOOL_PATH": str(tmp_path / "spool"),
        "STREAMKEEP_PULL_URL": "rtmp://127.0.0.1:1/stream",
        "STREAMKEEP_MIN_FREE_BYTES": "0",
    }
    argv = [sys.executable, "-m", "services.worker", "--channel", CHANNEL, "--session", SESSION]
    process = await asyncio.create_subprocess_exec(*argv, env={**os.environ, **settings})
    try:
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("is_head_written", [False, True])
async def test_what_was_shipped_but_not_removed_is_not_shipped_again(
    media: Media, objects: DirectoryStore, tmp_path: Path, *, is_head_written: bool
) -> None:
    """A kill between the ledger's line and the removal from the spool, with the index written or not."""
    spool = a_spool(tmp_path / "spool" / SESSION, objects)
    with spool.ledger:
        files = captured(media.file(Clip()), spool.folder / "run", recording=60, segment=2)
        kept = []
        closed = [spool.close_file(file.kind, file.path, max(0.08, file.start), file.end) for file in files]
        for waiting in (*closed, spool.snapshot(4)):
            kept.append((waiting.file.path, waiting.file.path.read_bytes()))
            await spool.ship(waiting)
        if is_head_written:
            await spool.manifest.write()
    for path, body in kept:
        path.write_bytes(body)  # as if never removed

    await successor(tmp_path)

    head = stored_head(objects)
    assert head is not None
    listed = [entry.key for entry in head.tail]
    assert len(listed) == len(set(listed)) == 5
    assert {name: head.totals[name] for name in ("segments", "recordings", "snapshots")} == {
        "segments": 3,
        "recordings": 1,
        "snapshots": 1,
    }
    assert not (tmp_path / "spool" / SESSION).exists()
    assert b"#EXT-X-ENDLIST" in objects.read(keys.live_playlist(CHANNEL)).body


async def test_of_a_segment_that_was_half_shipped_in_pieces_the_rest_ships(
    media: Media, objects: DirectoryStore, tmp_path: Path
) -> None:
    spool = a_spool(tmp_path / "spool" / SESSION, objects, target=3)
    spool.manifest.set(target_duration=3)
    with spool.ledger:
        file = captured(media.file(Clip(seconds=12, gop_seconds=10)), spool.folder / "run", segment=2)[0]
        waiting = spool.close_file(file.kind, file.path, 0.08, file.end)
        pieces = await spool.preparing.prepare(waiting)
        for piece in pieces[:2]:
            spool.shipping.commit(piece, await spool.shipping.upload(piece))
        await spool.manifest.write()

    await successor(tmp_path)

    head = stored_head(objects)
    assert head is not None
    segments = [entry for entry in head.tail if entry.kind is Kind.SEGMENT]
    starts = [entry.captured_at for entry in segments]
    assert len(starts) == len(set(starts)) == len(pieces) + 1  # and the segment that was open


async def test_an_entry_older_than_the_last_chunk_is_not_forgotten(objects: DirectoryStore, tmp_path: Path) -> None:
    """A recording ships when it closes, after snapshots that were captured later."""
    spool = a_spool(tmp_path / "spool" / SESSION, objects)
    with spool.ledger:
        for number in range(CHUNK_ENTRIES):
            entry = an_entry(number, at=NOW + timedelta(seconds=number / 10))
            spool.ledger.shipped(entry)
            spool.manifest.add(entry)
        await spool.manifest.write()
        recording = an_entry(999, at=NOW + timedelta(seconds=1), kind=Kind.RECORDING)
        spool.ledger.shipped(recording)  # and then the kill, before the head was written again

    await successor(tmp_path)

    head = stored_head(objects)
    assert head is not None
    assert recording in head.tail
    assert head.totals["recordings"] == 1


async def test_a_chunk_that_no_head_names_yet_is_taken_over(objects: DirectoryStore, tmp_path: Path) -> None:
    """A kill between the chunk and the head that names it."""
    spool = a_spool(tmp_path / "spool" / SESSION, objects)
    faulty = FaultyStore(objects)
    earlier = a_keeper(faulty, tmp_path / "spool" / SESSION)
    with spool.ledger:
        for number in range(CHUNK_ENTRIES):
            entry = an_entry(number)
            spool.ledger.shipped(entry)
            earlier.add(entry)
        faulty.fail("replace", 1)
        with pytest.raises(StoreUnavailable):
            await earlier.write()
        for number in range(CHUNK_ENTRIES, CHUNK_ENTRIES + 7):
            spool.ledger.shipped(an_entry(number))

    await successor(tmp_path)

    head = stored_head(objects)
    assert head is not None
    listed = [entry.key for reference in head.chunks for entry in decode_chunk(objects.read(reference.key).body)]
    listed += [entry.key for entry in head.tail]
    assert sorted(listed) == [f"snapshots/{number:06d}.jpg" for number in range(CHUNK_ENTRIES + 7)]


async def test_a_chunk_in_the_store_is_not_modified_through_the_spool(objects: DirectoryStore, tmp_path: Path) -> None:
    """A kill between the chunk's creation and its removal from the spool: both names are one file."""
    body = encode_chunk(SESSION, 0, [an_entry(1)])
    left = tmp_path / "session" / "chunk-000000.json"
    left.parent.mkdir()
    left.write_bytes(body)
    objects.create(keys.chunk(CHANNEL, SESSION, 0), left, sha256=hashlib.sha256(body).hexdigest())
    keeper = a_keeper(objects, tmp_path / "session")
    for number in range(CHUNK_ENTRIES):
        keeper.add(an_entry(number))
    await keeper.write()

    assert objects.read(keys.chunk(CHANNEL, SESSION, 0)).body == body
    assert len(keeper.head.tail) == CHUNK_ENTRIES - 1
