from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.errors import LeaseLost, StateUnavailable
from services.domain.session import Lease
from services.worker.succession.tenure import Tenure
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


async def test_a_newer_epoch_that_is_seen_recorded_ends_the_tenure(state: SqliteState) -> None:
    tenure = a_tenure(state)
    tenure.see(take_over(state))

    assert tenure.lost.is_set()


async def test_what_was_recorded_before_ends_nothing(state: SqliteState) -> None:
    older = a_tenure(state).lease
    tenure = Tenure(leases=state.leases, clock=CLOCK, lease=take_over(state), ttl=TTL, lost=asyncio.Event())
    tenure.see(older)
    tenure.see(None)
    tenure.see(tenure.lease)

    assert not tenure.lost.is_set()


async def test_a_worker_that_did_not_stand_still_asks_nobody_before_it_writes(state: SqliteState) -> None:
    tenure = a_tenure(state, timedelta(minutes=5))
    state.close()  # whoever asks finds it away

    tenure.check()


async def test_after_a_standstill_nothing_is_written_against_a_newer_epoch(state: SqliteState) -> None:
    tenure = a_tenure(state, timedelta(milliseconds=20))  # half a term is over at once where nobody keeps it
    await until(tenure._standstill.is_noticed)
    take_over(state)

    with pytest.raises(LeaseLost):
        tenure.check()


async def test_after_a_standstill_in_which_nobody_came_writing_goes_on(state: SqliteState) -> None:
    tenure = a_tenure(state, timedelta(milliseconds=20))
    await until(tenure._standstill.is_noticed)
    tenure.check()

    assert not tenure._standstill.is_noticed()


async def test_after_a_standstill_nothing_is_written_while_nobody_can_tell(state: SqliteState) -> None:
    tenure = a_tenure(state, timedelta(milliseconds=20))
    await until(tenure._standstill.is_noticed)
    state.close()

    with pytest.raises(StateUnavailable):
        tenure.check()


async def test_nothing_is_written_once_the_tenure_is_over(state: SqliteState) -> None:
    tenure = a_tenure(state, timedelta(minutes=5))
    tenure.lost.set()

    with pytest.raises(LeaseLost):
        tenure.check()


async def test_when_the_recorded_term_is_over_and_state_away_nobody_says_it_is_ours(state: SqliteState) -> None:
    tenure = a_tenure(state)
    expired = tenure.lease.expires_at
    state.close()
    await until(lambda: CLOCK.now() > expired)

    with pytest.raises(StateUnavailable):
        await tenure.still_ours()
    assert not tenure.lost.is_set()


async def test_what_a_renewal_could_not_record_is_recorded_soon_after_state_is_back(
    state: SqliteState, tmp_path: Path
) -> None:
    tenure = a_tenure(state, timedelta(seconds=60))
    away = SqliteState(tmp_path / "state.db")
    away.close()
    leases, tenure.leases = tenure.leases, away.leases
    async with kept(tenure):
        with pytest.raises(StateUnavailable):
            await tenure.renew(control_url="http://127.0.0.1:9")
        tenure.leases = leases
        await until(lambda: recorded(state).control_url == "http://127.0.0.1:9", seconds=5)
