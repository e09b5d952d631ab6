from __future__ import annotations

from datetime import timedelta

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.errors import LeaseHeld
from services.runtime.leasing import claimed
from services.runtime.process_name import own_name
from tests.processes import name_of_a_dead_process, named_process

NOW = SystemClock().now().replace(microsecond=0)  # records keep milliseconds
TTL = timedelta(minutes=1)


def test_the_lease_of_a_dead_worker_of_this_machine_is_taken_at_once(state: SqliteState) -> None:
    state.leases.claim("session", name_of_a_dead_process(), ttl=TTL, now=NOW)

    lease = claimed(state.leases, "session", ttl=TTL, now=NOW)

    assert (lease.epoch, lease.holder) == (2, own_name())
    assert lease.is_valid(NOW)


@pytest.mark.parametrize("holder", ["another-machine:000000000000:1:1", "host:1"])
def test_the_lease_of_another_machines_worker_is_left_alone(state: SqliteState, holder: str) -> None:
    held = state.leases.claim("session", holder, ttl=TTL, now=NOW)

    with pytest.raises(LeaseHeld):
        claimed(state.leases, "session", ttl=TTL, now=NOW)

    assert state.leases.get("session") == held


def test_the_lease_of_a_worker_that_lives_is_left_alone(state: SqliteState) -> None:
    with named_process() as (_, name):
        held = state.leases.claim("session", name, ttl=TTL, now=NOW)

        with pytest.raises(LeaseHeld):
            claimed(state.leases, "session", ttl=TTL, now=NOW)

        assert state.leases.get("session") == held
