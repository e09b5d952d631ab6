"""What gateways kept, fetched: from all that are alive, and again while it may come yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.adapters.sqlite_state import SqliteState
from services.domain.artifact import Kind
from services.domain.clock import SystemClock
from services.runtime.serving import listen, serving
from services.worker.catching_up.backlog import NoBacklog, remove_earlier
from services.worker.catching_up.fetching import Fetching
from services.worker.catching_up.passages import Passages, Planning
from services.worker.catching_up.stretch import Stretch
from services.worker.gateway_address import GatewayAddress
from tests.doubles.still_clock import StillClock
from tests.media import Clip, Media
from tests.worker.kept_backlogs import kept_backlog, opened, put
from tests.worker.recorded import BEGAN_AT

pytestmark = pytest.mark.anyio
CLIP = Clip(seconds=16)
CROWD = 60
SHORT_SECONDS = 2.5
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with SqliteState(tmp_path / "state.db") as state:
        yield state


def a_fetching(state: SqliteState, seconds: float = 15.0) -> Fetching:
    clock = StillClock(SystemClock().now())
    address = GatewayAddress(gateways=state.gateways, clock=clock, pull_url="rtmp://127.0.0.1:1/stream")
    return Fetching(gateway=address, seconds=seconds)


def plan(found: Sequence[Stretch]) -> Passages:
    return Planning(stretches=found, kinds=(Kind.SEGMENT,), loose=None, reach=None, live=None).planned()


async def test_what_a_publisher_sent_to_the_gateway_it_came_to_first_is_fetched_too(
    state: SqliteState, media: Media, tmp_path: Path
) -> None:
    async with kept_backlog(state, tmp_path, "a") as first, kept_backlog(state, tmp_path, "b") as second:
        second.record(media.file(CLIP), "camera", "5", began_at=BEGAN_AT + 20)
        first.record(media.file(CLIP), "camera", "3")
        session = opened(state, "camera", "b", "5")

        planned = await a_fetching(state).planned(session, tmp_path / "into", since=0, plan=plan)

    assert [each.stretch.connection for each in planned.passages] == [("a/a", "3"), ("b/b", "5")]
    assert [len(each.stretch.keys) for each in planned.passages] == [8, 8]
    assert [each.epoch for each in planned.passages] == [pytest.approx(BEGAN_AT + at, abs=0.01) for at in (0, 20)]


async def test_a_crowd_of_workers_that_begin_at_once_all_catch_up(
    state: SqliteState, media: Media, tmp_path: Path
) -> None:
    async with kept_backlog(state, tmp_path, "a") as gateway:
        channels = [f"c{number:02d}" for number in range(CROWD)]
        sessions = [opened(state, channel, "a", "1") for channel in channels]
        for channel in channels:
            gateway.record(media.file(CLIP), channel, "1")
        fetching = a_fetching(state)

        planned = await asyncio.gather(
            *(fetching.planned(each, tmp_path / each.id, since=0, plan=plan) for each in sessions)
        )

    assert [len(each.passages[0].stretch.keys) for each in planned] == [8] * CROWD


async def test_a_gateway_that_is_busy_for_a_while_is_waited_for_whatever_another_says(
    state: SqliteState, media: Media, tmp_path: Path
) -> None:
    async with kept_backlog(state, tmp_path, "a") as busy, kept_backlog(state, tmp_path, "b"):
        busy.record(media.file(CLIP), "camera", "3")
        session = opened(state, "camera", "b", "5")
        busy.be_busy()
        asyncio.get_running_loop().call_later(2.0, busy.be_free)  # later than it lets anybody wait

        planned = await a_fetching(state).planned(session, tmp_path / "into", since=0, plan=plan)

    assert [each.stretch.connection for each in planned.passages] == [("a/a", "3")]


@pytest.mark.parametrize(("status", "waits"), [(500, False), (501, False), (502, True), (503, True), (504, True)])
async def test_a_gateway_that_fails_is_asked_again_only_where_it_may_do_better(
    state: SqliteState, tmp_path: Path, status: int, *, waits: bool
) -> None:
    asked = 0

    async def fails(_: Request) -> Response:
        nonlocal asked
        asked += 1
        return Response(status_code=status)

    bound = listen("127.0.0.1", 0)
    put(state, "a", f"http://127.0.0.1:{bound.getsockname()[1]}", SystemClock().now())
    session = opened(state, "camera", "a", "3")
    async with serving(Starlette(routes=[Route("/backlog/camera", fails)]), bound):
        with pytest.raises(NoBacklog):
            await a_fetching(state, SHORT_SECONDS).planned(session, tmp_path / "into", since=0, plan=plan)

    assert (asked > 1) is waits


async def test_at_the_deadline_what_a_gateway_has_that_stays_busy_is_given_up(
    state: SqliteState, media: Media, tmp_path: Path
) -> None:
    async with kept_backlog(state, tmp_path, "a") as busy, kept_backlog(state, tmp_path, "b") as other:
        busy.record(media.file(CLIP), "camera", "3")
        busy.be_busy()
        other.record(media.file(CLIP), "camera", "5", began_at=BEGAN_AT + 20)
        session, began = opened(state, "camera", "b", "5"), time.monotonic()

        planned = await a_fetching(state, SHORT_SECONDS).planned(session, tmp_path / "into", since=0, plan=plan)
        lasted = time.monotonic() - began
        other.be_busy()
        with pytest.raises(NoBacklog, match=r"503|too long"):
            await a_fetching(state, SHORT_SECONDS).planned(session, tmp_path / "again", since=0, plan=plan)

    assert [each.stretch.connection for each in planned.passages] == [("b/b", "5")], "what the other has is captured"
    assert SHORT_SECONDS - 0.1 < lasted < SHORT_SECONDS + 1


async def test_a_gateway_is_not_waited_for_that_does_not_answer_and_whose_row_is_old(
    state: SqliteState, media: Media, tmp_path: Path
) -> None:
    async with kept_backlog(state, tmp_path, "b") as gateway:
        gateway.record(media.file(CLIP), "camera", "5")
        put(state, "a", NOWHERE, SystemClock().now() - timedelta(seconds=60))
        session, began = opened(state, "camera", "a", "3"), time.monotonic()

        planned = await a_fetching(state).planned(session, tmp_path / "into", since=0, plan=plan)

    assert len(planned.passages) == 1
    assert time.monotonic() - began < 5


def test_what_a_killed_worker_had_fetched_is_removed_by_the_next_one_and_no_other(tmp_path: Path) -> None:
    for name in ("backlog-e0003-000001/from-0", "backlog-e0004-000001/from-0", "e0003-b000001"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "camera.flv").write_bytes(b"FLV")

    remove_earlier(tmp_path, 4)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["backlog-e0004-000001", "e0003-b000001"]
