from __future__ import annotations

from datetime import timedelta

import m3u8
import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import capture, keys
from services.domain.artifact import Artifact
from services.domain.errors import StoreUnavailable
from services.domain.live_window import LiveWindow
from services.domain.ports import ObjectStore
from services.worker.delivery.patience import Patience
from services.worker.delivery.playlists import Playlists
from tests.doubles.faulty_store import FaultyStore
from tests.examples import NOW, a_channel
from tests.worker.spool import CHANNEL, SESSION, a_segment, in_place

pytestmark = pytest.mark.anyio

LIVE = keys.live_playlist(CHANNEL)
VOD = keys.vod_playlist(CHANNEL, SESSION)


def playlists(
    objects: ObjectStore, *, vod: bool = False, list_size: int = 3, sequence: tuple[int, int] = (0, 0)
) -> Playlists:
    return Playlists(
        live=in_place(objects, LIVE),
        vod=in_place(objects, VOD),
        patience=Patience(name="store"),
        is_live=True,
        is_vod=vod,
        session_id=SESSION,
        window=LiveWindow(size=list_size, last=sequence[0] - 1),
        sequence=sequence,
        target=3,
    )


def run_of(count: int, first: int = 0) -> list[Artifact]:
    return [a_segment(first + n, at=NOW + timedelta(seconds=2 * n)) for n in range(count)]


def parsed(objects: DirectoryStore, key: str) -> m3u8.M3U8:
    return m3u8.loads(objects.read(key).body.decode())


async def filled(lists: Playlists, entries: list[Artifact]) -> Playlists:
    for entry in entries:
        lists.add(entry)
        await lists.flush()
    return lists


async def test_the_live_list_names_each_segment_where_it_lies(objects: DirectoryStore) -> None:
    await filled(playlists(objects), run_of(2))

    assert [segment.uri for segment in parsed(objects, LIVE).segments] == [
        "session/000000000.ts",
        "session/000000001.ts",
    ]


async def test_the_live_list_slides(objects: DirectoryStore) -> None:
    await filled(playlists(objects, list_size=3), run_of(7))
    live = parsed(objects, LIVE)

    assert live.media_sequence == 4
    assert [segment.uri for segment in live.segments] == [f"session/{n:09d}.ts" for n in (4, 5, 6)]
    assert not live.is_endlist


async def test_every_segment_has_the_time_of_its_capture(objects: DirectoryStore) -> None:
    await filled(playlists(objects), run_of(3))

    assert [segment.program_date_time for segment in parsed(objects, LIVE).segments] == [
        NOW + timedelta(seconds=2 * n) for n in range(3)
    ]


async def test_the_end_closes_the_live_list(objects: DirectoryStore) -> None:
    lists = await filled(playlists(objects), run_of(2))
    await lists.end()
    live = parsed(objects, LIVE)

    assert live.is_endlist
    assert len(live.segments) == 2


async def test_a_session_without_a_segment_leaves_the_last_sessions_list(objects: DirectoryStore) -> None:
    objects.replace(LIVE, b"the last session's", etag=None)
    lists = playlists(objects)
    lists.target = None
    await lists.end()

    assert objects.read(LIVE).body == b"the last session's"


async def test_the_target_duration_stays_what_it_was(objects: DirectoryStore) -> None:
    lists = playlists(objects)
    seen = set()
    for number, seconds in enumerate((2.0, 3.4, 0.2)):
        await filled(lists, [a_segment(number, seconds=seconds)])
        seen.add(parsed(objects, LIVE).target_duration)

    assert seen == {3}


async def test_the_whole_list_keeps_every_segment_and_is_closed_at_the_end(objects: DirectoryStore) -> None:
    lists = await filled(playlists(objects, vod=True), run_of(8))
    await lists.end()
    vod = parsed(objects, VOD)

    assert [segment.uri for segment in vod.segments] == [f"{n:09d}.ts" for n in range(8)]
    assert vod.is_endlist
    assert len(parsed(objects, LIVE).segments) == 3


async def test_the_whole_list_is_there_with_the_first_segment(objects: DirectoryStore) -> None:
    await filled(playlists(objects, vod=True), run_of(1))
    vod = parsed(objects, VOD)

    assert len(vod.segments) == 1
    assert vod.playlist_type == "event"


async def test_a_write_that_is_tried_again_names_each_segment_once(objects: DirectoryStore) -> None:
    lists = playlists(objects)
    lists.add(a_segment(0))
    await lists.write_live()
    await lists.write_live()

    assert len(parsed(objects, LIVE).segments) == 1


async def test_no_whole_list_is_written_where_none_was_asked_for(objects: DirectoryStore) -> None:
    lists = await filled(playlists(objects), run_of(3))
    await lists.end()

    assert not objects.locate(LIVE, seconds=1).path.parent.joinpath(SESSION).exists()


async def test_a_session_goes_on_with_its_channels_sequences(objects: DirectoryStore) -> None:
    await filled(playlists(objects, sequence=(40, 7)), [a_segment(40, part=7), a_segment(41, part=7)])
    live = parsed(objects, LIVE)

    assert live.media_sequence == 40
    assert live.discontinuity_sequence == 7


async def test_between_parts_stands_a_discontinuity(objects: DirectoryStore) -> None:
    await filled(playlists(objects), [a_segment(0), a_segment(1, part=1), a_segment(2, part=1)])

    assert [segment.discontinuity for segment in parsed(objects, LIVE).segments] == [False, True, False]


async def test_a_discontinuity_that_slid_out_is_counted(objects: DirectoryStore) -> None:
    await filled(playlists(objects, list_size=2), [a_segment(0), a_segment(1, part=1), a_segment(2, part=1)])

    assert parsed(objects, LIVE).discontinuity_sequence == 1


async def test_a_later_worker_goes_on_with_the_segments_of_the_earlier_one(objects: DirectoryStore) -> None:
    await filled(playlists(objects, vod=True), run_of(4))
    later = playlists(objects, vod=True)
    later.restore(run_of(4), [], 4)
    await filled(later, [a_segment(4, at=NOW + timedelta(seconds=8))])

    assert [segment.uri for segment in parsed(objects, LIVE).segments] == [f"session/{n:09d}.ts" for n in (2, 3, 4)]
    assert len(parsed(objects, VOD).segments) == 5


async def test_another_list_size_takes_hold_with_the_next_segment(objects: DirectoryStore) -> None:
    lists = await filled(playlists(objects, list_size=5), run_of(5))
    lists.window.size = 3
    await filled(lists, [a_segment(5)])

    assert len(parsed(objects, LIVE).segments) == 3


async def test_a_list_switched_off_is_closed_and_one_switched_on_begins(
    objects: DirectoryStore,
) -> None:
    lists = await filled(playlists(objects), run_of(3))

    lists.adapt(capture.plan(a_channel(is_hls=False, is_on_demand=True, hls_list_size=4)))
    await lists.flush()
    await filled(lists, run_of(2, first=3))
    await lists.end()

    assert parsed(objects, LIVE).is_endlist
    assert [segment.uri for segment in parsed(objects, LIVE).segments][-1] == "session/000000002.ts"
    assert parsed(objects, VOD).is_endlist
    assert parsed(objects, VOD).segments[-1].uri == "000000004.ts"


async def test_a_list_that_is_switched_off_while_the_store_is_away_is_closed_when_it_is_back(
    objects: DirectoryStore,
) -> None:
    store = FaultyStore(objects)
    lists = playlists(store, vod=True)
    await filled(lists, run_of(3))
    store.is_away.set()
    lists.adapt(capture.plan(a_channel(is_hls=False, is_on_demand=False)))
    with pytest.raises(StoreUnavailable):
        await lists.flush()
    store.is_away.clear()
    await lists.flush()

    assert [parsed(objects, key).is_endlist for key in (LIVE, VOD)] == [True, True]


async def test_a_list_that_is_switched_on_again_before_it_was_closed_goes_on(objects: DirectoryStore) -> None:
    lists = await filled(playlists(objects), run_of(3))
    lists.adapt(capture.plan(a_channel(is_hls=False)))
    lists.adapt(capture.plan(a_channel(is_hls=True)))
    await lists.flush()

    assert not parsed(objects, LIVE).is_endlist
