"""One worker is started for a session, however many services see that it lacks one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.errors import LaunchFailed
from services.domain.ports import LaunchOrder
from services.domain.session import Lease
from services.runtime.launch_claims import START_TIME, LaunchClaims
from services.runtime.process_name import own_name
from tests.doubles.launcher import LauncherDouble
from tests.examples import NOW

ORDER = LaunchOrder(channel_id="camera", session_id="session-1")
SUCCESSOR = replace(ORDER, is_successor=True)
TTL = timedelta(seconds=60)


@dataclass
class SetClock:
    """Stands still until it is set."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class Place:
    """Two services that launch into one place, over one state."""

    state: SqliteState
    clock: SetClock
    launcher: LauncherDouble = field(default_factory=LauncherDouble)

    def claims(self, who: str = "gateway") -> LaunchClaims:
        return LaunchClaims(leases=self.state.leases, channels=self.state.channels, clock=self.clock, who=who)

    def launched(self, order: LaunchOrder = ORDER, who: str = "gateway") -> bool:
        return self.claims(who).launched(self.launcher, order)

    def orders(self) -> list[tuple[int, int]]:
        """Give epoch and attempt of each worker that was ordered."""
        return [(order.epoch, order.attempt) for order in self.launcher.orders]

    def works(self, holder: str = "worker-1") -> Lease:
        """Let a worker hold the session."""
        return self.state.leases.claim(ORDER.session_id, holder, ttl=TTL, now=self.clock.now())

    def dies(self, lease: Lease) -> None:
        """Let a worker be over, and be seen to be."""
        self.state.leases.release(lease)
        self.launcher.end(ORDER.session_id, -9)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = SetClock()
    with closing(SqliteState(tmp_path / "state.db", clock)) as state:
        yield Place(state, clock)


def test_who_comes_second_starts_nothing(place: Place) -> None:
    assert (place.launched(), place.launched(who="reconciler"), place.launched()) == (True, False, False)
    assert place.orders() == [(1, 1)]


def test_of_many_at_once_one_starts_a_worker(place: Place) -> None:
    with ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(lambda number: place.launched(who=f"gateway-{number}"), range(8)))

    assert sorted(asked) == [False] * 7 + [True]
    assert place.orders() == [(1, 1)]


def test_a_launch_that_failed_frees_the_next_at_once_under_another_name(place: Place) -> None:
    place.launcher.fail(1)
    with pytest.raises(LaunchFailed):
        place.launched()

    assert place.launched(who="reconciler")
    assert place.orders() == [(1, 2)]


def test_a_worker_that_never_came_is_ordered_anew_after_its_time_under_another_name(place: Place) -> None:
    place.launched()
    place.launcher.end(ORDER.session_id, 1)
    place.clock.time += START_TIME - timedelta(seconds=1)
    before = place.launched()
    place.clock.time += timedelta(seconds=1)

    assert (before, place.launched()) == (False, True)
    assert place.orders() == [(1, 1), (1, 2)]


def test_what_is_known_to_be_dead_is_replaced_at_once(place: Place) -> None:
    place.launched()
    place.launcher.end(ORDER.session_id, 1)
    place.claims("reconciler").over(ORDER.session_id)

    assert place.launched(who="reconciler")
    assert place.orders() == [(1, 1), (1, 2)]


def test_a_session_whose_worker_works_gets_no_second(place: Place) -> None:
    place.launched()
    place.works()
    place.clock.time += timedelta(seconds=30)

    assert not place.launched()
    assert place.orders() == [(1, 1)]


def test_a_worker_that_worked_and_died_is_replaced_before_its_own_launch_would_be_over(place: Place) -> None:
    place.launched()
    place.dies(place.works())

    assert place.launched(who="reconciler")
    assert place.orders() == [(1, 1), (2, 2)]


def test_a_worker_of_this_machine_that_is_over_holds_nothing_although_its_lease_is_valid(place: Place) -> None:
    place.launched()
    host, kernel, _, start = own_name().split(":")
    place.works(f"{host}:{kernel}:{2**22 + 1}:{start}")  # a pid that no process can have
    place.launcher.end(ORDER.session_id, -9)

    assert place.state.leases.get(ORDER.session_id) is not None
    assert place.launched()


def test_a_leaving_worker_gets_one_successor_at_once(place: Place) -> None:
    place.launched()
    lease = place.works()
    place.state.leases.renew(replace(lease, leaving=True), ttl=TTL, now=place.clock.now())

    assert (place.launched(SUCCESSOR), place.launched(SUCCESSOR, who="reconciler")) == (True, False)
    assert place.orders() == [(1, 1), (2, 2)]


def test_a_worker_that_stays_gets_no_successor(place: Place) -> None:
    place.works()

    assert not place.launched(SUCCESSOR)


def test_it_can_be_told_whether_a_worker_is_being_started(place: Place) -> None:
    before = place.claims().is_claimed(ORDER.session_id, 1)
    place.launched()

    told = [place.claims("reconciler").is_claimed(ORDER.session_id, epoch) for epoch in (1, 2)]
    assert (before, told) == (False, [True, False])
