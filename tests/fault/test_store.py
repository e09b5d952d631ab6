"""Rows "store answers 500, 403, times out, commits but drops the answer, or is gone" and "store slow"."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.emulators import Emulators
from tests.fault.proxy import Mode
from tests.fault.returning import DRAINED_FILES, FRESH_SECONDS, Return, waiting
from tests.fault.stories import Told
from tests.fault.world import Air, a_world
from tests.numbered import NumberedMedia

AWAY_SECONDS = 6.0
SLOW_SECONDS = 2.0  # twice hls_time


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia, emulators: Emulators) -> Iterator[Air]:
    """One broadcast that all of it happens to."""
    folder = tmp_path_factory.mktemp("store")
    with a_world(folder, numbered, ministack=emulators.url("ministack"), store="s3") as world:
        on_air = world.air(image_time=1, video_time=4)
        on_air.until_segments(3)
        world.session_ids[on_air.id] = str(on_air.session["id"])
        yield on_air


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


@pytest.mark.parametrize("mode", ["500", "403", "hang", "drop_answer", "gone"])
def test_capture_goes_on_without_a_store_and_all_of_it_arrives_when_it_is_back(air: Air, mode: Mode) -> None:
    world = air.world
    assert world.store is not None
    parts, met = len(air.session["parts"]), world.store.met[mode]
    world.store.fail(mode)
    _wait(AWAY_SECONDS)
    back = Return.of(air)
    print(f"{mode}: {back}")

    assert world.store.met[mode] > met or mode == "gone"
    assert len(air.session["parts"]) == parts, "capture has not begun anew"
    assert back.waited > DRAINED_FILES or mode == "drop_answer", "what was captured meanwhile waits in the spool"
    assert back.drained < 5
    assert back.live < 5


def test_recordings_that_cannot_be_stored_hold_nothing_else_back(air: Air) -> None:
    world = air.world
    assert world.store is not None
    since = time.time()
    world.store.fail("500", part="/recordings/")
    _wait(9)
    picture = world.look(f"snapshots/{air.id}/latest.jpg")
    edge = air.watcher.worst_edge(since)
    waiting = [path for path in world.spool_files() if path.suffix == ".mp4"]
    Return.of(air)
    print(f"live edge at most {edge:.1f} s old")

    assert len(waiting) > 2, "recordings wait"
    assert edge < 1 + FRESH_SECONDS
    assert picture is not None


def test_a_slow_store_leaves_the_live_edge_current_and_memory_flat(air: Air) -> None:
    world, worker = air.world, air.worker()
    assert world.store is not None
    world.store.fail("slow", seconds=SLOW_SECONDS)
    _wait(6)  # until all lanes are full
    settled, before = time.time(), worker.memory_info().rss
    _wait(12)
    edge, grown = air.watcher.worst_edge(settled), (worker.memory_info().rss - before) / 1e6
    back = Return.of(air)
    print(f"live edge at most {edge:.1f} s old, RSS grown by {grown:.1f} MB of {before / 1e6:.0f}; {back}")

    # A segment lasts 1 s, its PUT and that of the playlist that names it 2 s each, and so does one just under way.
    assert edge < 1 + 3 * SLOW_SECONDS + 1
    assert grown < 5


def test_nothing_is_lost_in_all_of_that(air: Air) -> None:
    air.end()
    told = Told(air)
    print(told.report.lines()[-1])

    assert told.report.findings == [], told.whole()
    assert told.lost == 0
    assert told.causes == set()
    assert not waiting(air)
