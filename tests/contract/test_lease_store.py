from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.errors import LeaseHeld, LeaseLost
from services.domain.session import LEASE_KEPT, Lease
from tests.contract import racing_tasks
from tests.contract.racing import RACERS, Racers
from tests.contract.worlds import STATES
from tests.doubles.still_clock import StillClock
from tests.examples import NOW

TTL = timedelta(seconds=10)
LATER = NOW + TTL


def test_the_first_claim_has_epoch_one(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    assert lease == Lease(session_id="session", epoch=1, holder="worker-a", expires_at=NOW + TTL)


def test_a_claimed_lease_can_be_looked_up(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    assert state.leases.get("session") == lease


def test_a_lease_that_nobody_claimed_is_none(state: State) -> None:
    assert state.leases.get("session") is None


def test_a_valid_lease_is_not_given_to_another(state: State) -> None:
    state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    with pytest.raises(LeaseHeld):
        state.leases.claim("session", "worker-b", ttl=TTL, now=LATER - timedelta(milliseconds=1))


def test_a_lease_that_ran_out_is_given_to_another_with_the_next_epoch(state: State) -> None:
    state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    lease = state.leases.claim("session", "worker-b", ttl=TTL, now=LATER)

    assert (lease.epoch, lease.holder) == (2, "worker-b")


def test_its_holder_may_claim_a_valid_lease_again_with_the_next_epoch(state: State) -> None:
    state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    assert state.leases.claim("session", "worker-a", ttl=TTL, now=NOW).epoch == 2


def test_leases_of_different_sessions_have_nothing_to_do_with_each_other(state: State) -> None:
    state.leases.claim("session-1", "worker-a", ttl=TTL, now=NOW)

    assert state.leases.claim("session-2", "worker-b", ttl=TTL, now=NOW).epoch == 1


def test_a_renewed_lease_lasts_longer_and_keeps_its_epoch(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    renewed = state.leases.renew(lease, ttl=TTL, now=NOW + timedelta(seconds=4))

    assert renewed == replace(lease, expires_at=NOW + timedelta(seconds=14)) == state.leases.get("session")


def test_a_renewal_tells_where_the_worker_listens(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    state.leases.renew(replace(lease, control_url="http://127.0.0.1:9"), ttl=TTL, now=NOW)

    found = state.leases.get("session")
    assert found is not None
    assert found.control_url == "http://127.0.0.1:9"


def test_a_renewal_tells_that_the_worker_is_leaving_and_the_next_one_keeps_it(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    leaving = state.leases.renew(replace(lease, leaving=True), ttl=TTL, now=NOW)

    assert state.leases.renew(leaving, ttl=TTL, now=NOW).leaving
    found = state.leases.get("session")
    assert found is not None
    assert found.leaving


def test_a_leaving_workers_lease_is_still_its_own(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    state.leases.renew(replace(lease, leaving=True), ttl=TTL, now=NOW)

    with pytest.raises(LeaseHeld):
        state.leases.claim("session", "worker-b", ttl=TTL, now=NOW)


def test_who_follows_a_leaving_worker_is_not_leaving(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    lease = state.leases.renew(replace(lease, leaving=True), ttl=TTL, now=NOW)
    state.leases.release(lease)

    assert not state.leases.claim("session", "worker-b", ttl=TTL, now=NOW).leaving


def test_a_lease_that_ran_out_is_not_lost_while_nobody_else_has_claimed_it(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    renewed = state.leases.renew(lease, ttl=TTL, now=LATER + timedelta(hours=1))

    assert renewed.is_valid(LATER + timedelta(hours=1))


def test_a_lease_is_lost_once_another_has_claimed_it(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    taken = state.leases.claim("session", "worker-b", ttl=TTL, now=LATER)

    with pytest.raises(LeaseLost):
        state.leases.renew(lease, ttl=TTL, now=LATER)

    assert state.leases.get("session") == taken


def test_a_workers_older_lease_is_lost_once_it_has_a_newer_one(state: State) -> None:
    older = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    with pytest.raises(LeaseLost):
        state.leases.renew(older, ttl=TTL, now=NOW)


def test_a_released_lease_is_free_at_once_and_names_no_address(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    lease = state.leases.renew(replace(lease, control_url="http://127.0.0.1:9"), ttl=TTL, now=NOW)

    state.leases.release(lease)

    found = state.leases.get("session")
    assert found is not None
    assert (found.is_valid(NOW), found.control_url) == (False, "")
    assert state.leases.claim("session", "worker-b", ttl=TTL, now=NOW).epoch == 2


def test_a_late_release_does_not_free_anothers_lease(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    taken = state.leases.claim("session", "worker-b", ttl=TTL, now=LATER)

    state.leases.release(lease)

    assert state.leases.get("session") == taken


@pytest.fixture
def later(state: State, state_world: str, tmp_path: Path) -> Iterator[State]:
    """Give the same state a day after the end of a lease that `worker-a` claims now."""
    end = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW).expires_at
    with closing(STATES[state_world](tmp_path, StillClock(end + LEASE_KEPT))) as state_then:
        yield state_then


def test_a_lease_is_remembered_for_a_day_after_its_end(state: State, state_world: str, tmp_path: Path) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    then = StillClock(lease.expires_at + LEASE_KEPT - timedelta(milliseconds=1))

    with closing(STATES[state_world](tmp_path, then)) as state_then:
        assert state_then.leases.get("session") == lease


def test_a_lease_is_forgotten_a_day_after_its_end(later: State) -> None:
    assert later.leases.get("session") is None


def test_a_forgotten_lease_is_claimed_as_if_nobody_had_ever_had_it(later: State) -> None:
    now = LATER + LEASE_KEPT

    lease = later.leases.claim("session", "worker-b", ttl=TTL, now=now)

    assert (lease.epoch, later.leases.get("session")) == (1, lease)


def test_a_released_lease_is_not_forgotten_at_once(state: State) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    state.leases.release(lease)

    assert state.leases.claim("session", "worker-b", ttl=TTL, now=NOW).epoch == 2


def test_each_of_many_leases_is_got_by_one_of_four_processes(
    state: State, state_world: str, tmp_path: Path, racers: Racers
) -> None:
    got = racers.run(racing_tasks.claim_all, state_world, tmp_path)

    leases = [state.leases.get(f"session-{number}") for number in range(racing_tasks.SESSIONS)]
    assert [lease.epoch for lease in leases if lease is not None] == [1] * racing_tasks.SESSIONS
    assert [f"worker-{number}" for number in range(RACERS) for _ in got[number]] == sorted(
        lease.holder for lease in leases if lease is not None
    )
