from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.errors import LeaseLost
from services.domain.session import Lease
from services.worker.tenure import Tenure
from tests.worker.heard import until

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
TTL = timedelta(seconds=0.6)


def a_tenure(state: SqliteState, ttl: timedelta = TTL) -> Tenure:
    lease = state.leases.claim("session", "worker", ttl=ttl, now=CLOCK.now())
    return Tenure(leases=state.leases, clock=CLOCK, lease=lease, ttl=ttl, lost=asyncio.Event())


def take_over(state: SqliteState) -> Lease:
    """Claim the session as another worker, as if the first one's term had run out."""
    return state.leases.claim("session", "another", ttl=TTL, now=CLOCK.now() + timedelta(hours=1))


@asynccontextmanager
async def kept(tenure: Tenure) -> AsyncIterator[None]:
    keeping = asyncio.create_task(tenure.keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def recorded(state: SqliteState) -> Lease:
    lease = state.leases.get("session")
    assert lease is not None
    return lease


async def test_a_lease_that_is_kept_outlives_its_term(state: SqliteState) -> None:
    tenure = a_tenure(state)
    first = tenure.lease.expires_at
    async with kept(tenure):
        await until(lambda: CLOCK.now() > first + TTL)

        assert recorded(state).is_valid(CLOCK.now())
    assert not tenure.lost.is_set()


async def test_the_control_address_is_recorded_and_kept(state: SqliteState) -> None:
    tenure = a_tenure(state)
    await tenure.renew(control_url="http://127.0.0.1:9")
    await tenure.still_ours()

    assert recorded(state).control_url == "http://127.0.0.1:9"


async def test_a_newer_epoch_ends_the_tenure(state: SqliteState) -> None:
    tenure = a_tenure(state)
    take_over(state)

    with pytest.raises(LeaseLost):
        await tenure.still_ours()
    assert tenure.lost.is_set()


async def test_a_newer_epoch_is_noticed_within_a_term(state: SqliteState) -> None:
    tenure = a_tenure(state)
    take_over(state)
    async with kept(tenure), asyncio.timeout(TTL.total_seconds()):
        await tenure.lost.wait()


async def test_state_that_is_away_takes_nothing_from_us(state: SqliteState) -> None:
    tenure = a_tenure(state)
    state.close()
    await tenure.still_ours()

    assert not tenure.lost.is_set()


async def test_a_tenure_goes_on_when_state_comes_back(state: SqliteState, tmp_path: Path) -> None:
    tenure = a_tenure(state)
    away = SqliteState(tmp_path / "state.db")
    away.close()
    leases, tenure.leases = tenure.leases, away.leases
    async with kept(tenure):
        expired = tenure.lease.expires_at
        await until(lambda: CLOCK.now() > expired)
        tenure.leases = leases
        await until(lambda: recorded(state).is_valid(CLOCK.now()))

    assert not tenure.lost.is_set()


async def test_a_released_lease_is_free_at_once(state: SqliteState) -> None:
    tenure = a_tenure(state, timedelta(minutes=5))
    await tenure.release()

    assert state.leases.claim("session", "another", ttl=TTL, now=CLOCK.now()).epoch == 2


async def test_a_release_while_state_is_away_is_no_error(state: SqliteState) -> None:
    tenure = a_tenure(state)
    state.close()

    await tenure.release()
