"""Where a worker finds its publisher: by the row of the gateway that has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.gateways import Gateway
from services.worker.gateway_address import GatewayAddress
from tests.doubles.still_clock import StillClock
from tests.examples import a_publisher, a_session

pytestmark = pytest.mark.anyio
NOW = SystemClock().now()
"""A row that is older than an hour is forgotten, by the wall clock."""
SETTINGS = "rtmp://127.0.0.1:1935/stream"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with SqliteState(tmp_path / "state.db") as state:
        yield state


def an_address(state: SqliteState) -> GatewayAddress:
    return GatewayAddress(
        gateways=state.gateways, clock=StillClock(NOW), pull_url=SETTINGS, callback_url="http://127.0.0.1:8002"
    )


def put(state: SqliteState, name: str, host: str, *, seconds_ago: float = 0.0) -> None:
    state.gateways.put(
        Gateway(
            name=name,
            seen_at=NOW - timedelta(seconds=seconds_ago),
            pull_url=f"rtmp://{host}:1935/stream",
            control_url=f"http://{host}:8002",
        )
    )


async def test_a_worker_pulls_from_the_gateway_that_has_the_publisher(state: SqliteState) -> None:
    put(state, "a/1", "10.0.0.1")
    put(state, "b/1", "10.0.0.2")
    address, session = an_address(state), a_session(publisher=a_publisher(gateway="b/1"))

    assert (await address.source(session)).reveal().startswith("rtmp://10.0.0.2:1935/stream/camera?session=session&")
    assert await address.control_urls(session) == ["http://10.0.0.2:8002"]


async def test_while_nobody_publishes_it_waits_where_the_last_publisher_was(state: SqliteState) -> None:
    put(state, "b/1", "10.0.0.2")
    address = an_address(state)
    await address.source(a_session(publisher=a_publisher(gateway="b/1")))

    assert (await address.source(a_session(publisher=None))).reveal().startswith("rtmp://10.0.0.2:")


async def test_without_a_row_the_settings_say_where(state: SqliteState) -> None:
    address, session = an_address(state), a_session(publisher=a_publisher(gateway="unknown/1"))

    assert (await address.source(session)).reveal().startswith(SETTINGS)
    assert await address.control_urls(session) == ["http://127.0.0.1:8002"]


async def test_what_a_publisher_sent_who_is_gone_is_asked_of_every_live_gateway(state: SqliteState) -> None:
    put(state, "a/1", "10.0.0.1")
    put(state, "b/1", "10.0.0.2", seconds_ago=60)

    assert await an_address(state).control_urls(a_session(publisher=None)) == ["http://10.0.0.1:8002"]


async def test_the_backlog_is_asked_for_at_every_live_gateway_and_at_the_publishers_own_whatever_its_row_says(
    state: SqliteState,
) -> None:
    put(state, "a/1", "10.0.0.1")
    put(state, "b/1", "10.0.0.2")
    put(state, "c/1", "10.0.0.3", seconds_ago=60)
    moved, at_dead = (a_session(publisher=a_publisher(gateway=name)) for name in ("b/1", "c/1"))

    both = {"http://10.0.0.2:8002": True, "http://10.0.0.1:8002": True}
    assert await an_address(state).backlog_urls(moved) == both
    assert await an_address(state).backlog_urls(at_dead) == {"http://10.0.0.3:8002": False, **both}


async def test_where_no_gateway_has_a_row_the_backlog_is_asked_for_where_the_settings_say(state: SqliteState) -> None:
    assert await an_address(state).backlog_urls(a_session()) == {"http://127.0.0.1:8002": False}
