"""Row "nobody listened": what the gateway keeps makes good what a worker missed, to the frame."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.fault.comebacks import until_connections, until_sent
from tests.fault.stories import Stories, Told
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

GOP_SECONDS = 2
IMAGE_SECONDS = 1.0
LONG_GOP = NumberedClip(gop_seconds=GOP_SECONDS, b_frames=2)
COLD_SECONDS = float(os.environ.get("FAULT_COLD_SECONDS", "12"))
"""How late a worker comes; by hand: FAULT_COLD_SECONDS=40 pytest --timeout 300 -rP -k late."""
UNLISTED = {"object_unlisted", "media_sequence"}
"""What a worker on a machine that is gone had stored and not listed yet stays, and its numbers are not used again."""


def _wait(seconds: float) -> None:
    """Let a broadcast go on for a while."""
    threading.Event().wait(seconds)


def _worker(air: Air, other_than: int = 0) -> psutil.Process:
    """Wait for the channel's worker as soon as it is there."""

    def find() -> psutil.Process | None:
        found = air.world.processes("services.worker", "--channel", air.id)
        return next((process for process in found if process.pid != other_than), None)

    return eventually(find, within=30, what="a worker")


def _late(air: Air, after: Callable[[], None], other_than: int = 0) -> None:
    """Let the worker that is being started come only `after` something, as if its task were placed so late."""
    starting = _worker(air, other_than)
    starting.suspend()
    after()
    starting.resume()


def _goes_on(air: Air, segments: int = 3) -> Told:
    air.until_segments(segments, within=60)
    air.end()
    return Told(air)


def worker_comes_late(world: World) -> Told:
    air = world.air(LONG_GOP, image_time=IMAGE_SECONDS)
    _late(air, lambda: _wait(COLD_SECONDS))
    return _goes_on(air)


def broadcast_is_over_before_its_worker_comes(world: World) -> Told:
    air = world.air(LONG_GOP, image_time=IMAGE_SECONDS)

    def over() -> None:
        until_sent(air.broadcaster, 5)
        air.broadcaster.leave()

    _late(air, over)
    air.end(within=60)
    return Told(air)


def worker_is_killed(world: World) -> Told:
    air = world.air(LONG_GOP, image_time=IMAGE_SECONDS)
    air.until_segments(4)
    air.worker().kill()
    return _goes_on(air)


def worker_is_killed_and_its_spool_is_gone(world: World) -> Told:
    air = world.air(LONG_GOP, image_time=IMAGE_SECONDS, video_time=4)
    air.until_segments(5)
    worker = air.worker()
    worker.suspend()
    shutil.rmtree(world.stack.data / "spool" / str(air.session["id"]))
    worker.kill()
    return _goes_on(air)


def ffmpeg_is_killed(world: World) -> Told:
    air = world.air(LONG_GOP, image_time=IMAGE_SECONDS)
    air.until_segments(4)
    air.ffmpeg().kill()
    return _goes_on(air)


def publisher_returns_while_nobody_listens(world: World) -> Told:
    air = world.air(LONG_GOP, image_time=IMAGE_SECONDS)
    air.until_segments(3)
    worker = air.worker()

    def comings() -> None:
        for connection in (2, 3):
            air.broadcaster.drop(away=1)
            until_connections(air.broadcaster, connection)
            until_sent(air.broadcaster, 3)

    worker.kill()
    _late(air, comings, worker.pid)
    return _goes_on(air)


ALL = (
    worker_comes_late,
    broadcast_is_over_before_its_worker_comes,
    worker_is_killed,
    worker_is_killed_and_its_spool_is_gone,
    ffmpeg_is_killed,
    publisher_returns_while_nobody_listens,
)


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[Stories]:
    """All of them in one world at the same time: what happens to a channel is nothing to the others."""
    # A worker that is being started is not to be taken for one that hangs.
    variables = {"STREAMKEEP_LOG_FORMAT": "json", "STREAMKEEP_LEASE_SECONDS": "60"}
    with a_world(tmp_path_factory.mktemp("backlog"), numbered, variables=variables) as world:
        world.clip(LONG_GOP)
        telling = Stories(world, ALL)
        yield telling
        telling.close()


@pytest.mark.timeout(150 + COLD_SECONDS)
@pytest.mark.parametrize("story", ALL)
def test_nothing_is_lost_of_what_the_gateway_has(stories: Stories, story: Callable[[World], Told]) -> None:
    told = stories.told(story)

    gone = UNLISTED if story is worker_is_killed_and_its_spool_is_gone else set()
    assert told.report.names <= gone, told.whole()
    assert told.report.published
    assert set(told.report.captured.values()) == {told.report.published}, told.whole()
    assert told.report.captured.keys() == {"recordings", "hls"}
    assert told.causes <= {"publisher_away"}, told.whole()
    assert told.longest_without_picture() <= IMAGE_SECONDS * 1.5 + GOP_SECONDS + _away(told)


def _away(told: Told) -> float:
    """Give the longest time that nobody published (s)."""
    return max(((gap.end or gap.start) - gap.start for gap in told.record.gaps), default=0.0)
