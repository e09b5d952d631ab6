"""When pictures are overdue."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.adapters.sqlite_state import SqliteState
from services.worker.delivery.arrivals import Arrivals
from services.worker.lateness import Lateness
from tests.examples import a_publisher
from tests.worker.test_following import CLOCK, on_air

pytestmark = pytest.mark.anyio


async def is_late(state: SqliteState, *, connected: float, newest: float, **settings: Any) -> bool:  # noqa: ANN401 - a channel's
    """Judge a session whose publisher came, and whose newest picture lay in the store, so many seconds ago."""
    following = on_air(state, **settings)
    came = CLOCK.now() - timedelta(seconds=connected)
    following.session = replace(following.session, publisher=a_publisher(accepted_at=came))
    return Lateness(following, Arrivals(last_at=time.monotonic() - newest)).is_late()


@pytest.mark.parametrize(
    ("connected", "newest", "settings", "late"),
    [
        (3600, 59, {}, False),
        (3600, 61, {}, True),
        (3600, 61, {"image_time": 600}, False),
        (3600, 1801, {"image_time": 600}, True),
        (30, 3600, {}, False),
        (3600, 3600, {"is_image": False}, False),
        (3600, 359, {"image_skip_unchanged": True}, False),
        (3600, 361, {"image_skip_unchanged": True}, True),
    ],
)
async def test_pictures_are_late_when_some_are_missing_for_long(
    state: SqliteState, connected: float, newest: float, settings: dict[str, object], *, late: bool
) -> None:
    assert await is_late(state, connected=connected, newest=newest, **settings) is late


async def test_nothing_is_late_while_nobody_publishes(state: SqliteState) -> None:
    following = on_air(state)
    following.session = following.session.lost_publisher(CLOCK.now())

    assert not Lateness(following, Arrivals(last_at=time.monotonic() - 3600)).is_late()
