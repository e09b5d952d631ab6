from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.ids import launch_id
from services.domain.session import Session
from services.gateway.counts import Counts
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners, Player
from services.runtime.launch_claims import LaunchClaims
from tests.doubles.launcher import LauncherDouble
from tests.examples import NOW, a_publisher, a_session
from tests.gateway.journal import Journal

DEADLINE_SECONDS = 5.0
GATEWAY = "gw/1"


class StillClock:
    """Stands at NOW until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class Yard:
    """Launches over a double, without the app around them."""

    concurrency: int = 2
    queue_orders: int = 100
    launcher: LauncherDouble = field(default_factory=LauncherDouble)
    listeners: Listeners = field(default_factory=Listeners)
    clock: StillClock = field(default_factory=StillClock)
    counts: Counts = field(default_factory=Counts)
    claims: LaunchClaims | None = None

    def __post_init__(self) -> None:
        self.launches = Launches(
            launcher=self.launcher,
            listeners=self.listeners,
            clock=self.clock,
            counts=self.counts,
            concurrency=self.concurrency,
            queue_orders=self.queue_orders,
            claims=self.claims,
        )

    def order(self, session_id: str) -> None:
        self.launches.order(session(session_id))

    def launched(self) -> list[str]:
        return [order.session_id for order in list(self.launcher.orders)]

    def listens(self, session_id: str) -> None:
        self.listeners.arrived(Player(GATEWAY, session_id), session_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.launches.run())
        try:
            yield
        finally:
            self.launcher.gate.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def session(session_id: str) -> Session:
    return a_session(session_id, publisher=a_publisher())


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not look():  # noqa: ASYNC110 - the launcher's threads set no event of asyncio
            await asyncio.sleep(0.005)


def test_what_is_ordered_is_launched_with_the_sessions_ids() -> None:
    async def scene(yard: Yard) -> None:
        async with yard.running():
            yard.order("a")
            await until(lambda: yard.launched() == ["a"])

    yard = Yard()
    asyncio.run(scene(yard))

    assert yard.launcher.orders[0].channel_id == "camera"


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_starts_are_under_way_than_allowed(concurrency: int) -> None:
    async def scene(yard: Yard) -> None:
        yard.launcher.gate.clear()
        async with yard.running():
            for number in range(10):
                yard.order(str(number))
            await until(lambda: yard.launcher.most_at_once == concurrency)
            yard.launcher.gate.set()
            for number in range(10):
                yard.listens(str(number))
            await until(lambda: len(yard.launched()) == 10)

    yard = Yard(concurrency)
    asyncio.run(scene(yard))

    assert yard.launcher.most_at_once == concurrency


def test_the_next_start_waits_until_the_last_worker_listens() -> None:
    async def scene(yard: Yard) -> list[str]:
        async with yard.running():
            yard.order("a")
            yard.order("b")
            await until(lambda: yard.launched() == ["a"])
            await asyncio.sleep(0)
            before = yard.launched()
            yard.listens("a")
            await until(lambda: yard.launched() == ["a", "b"])
        return before

    assert asyncio.run(scene(Yard(concurrency=1))) == ["a"]


def test_a_worker_that_dies_while_it_starts_frees_its_place_at_once() -> None:
    async def scene(yard: Yard) -> None:
        async with yard.running():
            yard.order("a")
            yard.order("b")
            await until(lambda: yard.launched() == ["a"])
            yard.launches.failed("a")
            await until(lambda: yard.launched() == ["a", "b"])

    asyncio.run(scene(Yard(concurrency=1)))


def test_a_session_is_not_queued_twice() -> None:
    async def scene(yard: Yard) -> None:
        async with yard.running():
            yard.order("a")
            yard.order("a")
            yard.order("b")
            await until(lambda: "b" in yard.launched())
            yard.order("a")

    yard = Yard()
    asyncio.run(scene(yard))

    assert yard.launched() == ["a", "b"]


def test_a_worker_that_runs_is_not_started_again_and_takes_no_place() -> None:
    async def scene(yard: Yard) -> None:
        async with yard.running():
            yard.order("a")
            await until(lambda: yard.launched() == ["a"])
            yard.listens("a")
            await until(lambda: not yard.launches._starting)
            yard.listeners.left(Player(GATEWAY, "a"))
            yard.order("a")
            yard.order("b")
            await until(lambda: "b" in yard.launched())

    yard = Yard(concurrency=1)
    asyncio.run(scene(yard))

    assert yard.launched() == ["a", "b"]


def test_a_failed_start_is_tried_again_after_growing_delays() -> None:
    async def scene(yard: Yard) -> list[float]:
        delays = []
        yard.launcher.fail(6)
        async with yard.running():
            for failures in range(1, 7):
                yard.order("a")
                await until(lambda: yard.launcher.refused == failures and "a" not in yard.launches._starting)  # noqa: B023
                delays.append((yard.launches._backoff["a"].not_before - yard.clock.time).total_seconds())
                yard.clock.time = yard.launches._backoff["a"].not_before
            yard.order("a")
            await until(lambda: yard.launched() == ["a"])
        return delays

    assert asyncio.run(scene(Yard())) == [0, 0.5, 1, 2, 4, 8]


def test_no_session_waits_longer_because_the_clock_was_set_back() -> None:
    async def scene(yard: Yard) -> None:
        async with yard.running():
            for _failure in range(3):
                yard.launches.failed("a")
            yard.clock.time -= timedelta(minutes=5)
            yard.order("a")
            await until(lambda: yard.launched() == ["a"])

    asyncio.run(scene(Yard(concurrency=1)))


def test_a_session_whose_start_failed_waits_its_delay_out() -> None:
    async def scene(yard: Yard) -> tuple[int, int]:
        async with yard.running():
            for _ in range(2):
                yard.launches.failed("a")
            yard.order("a")
            too_early = yard.launches._orders.qsize()
            yard.clock.time += timedelta(seconds=0.5)
            yard.order("a")
            return too_early, yard.launches._orders.qsize()

    assert asyncio.run(scene(Yard())) == (0, 1)


def test_the_delay_never_grows_beyond_half_a_minute() -> None:
    yard = Yard()
    for _ in range(40):
        yard.launches.failed("a")

    assert yard.launches._backoff["a"].not_before == NOW + timedelta(seconds=30)


def test_failures_are_forgotten_after_a_good_run() -> None:
    yard = Yard()
    for _ in range(3):
        yard.launches.failed("a")
    yard.clock.time += timedelta(seconds=20)
    yard.launches.works("a")
    soon = len(yard.launches._backoff)
    yard.clock.time += timedelta(seconds=20)
    yard.launches.works("a")

    assert (soon, len(yard.launches._backoff)) == (1, 0)


def test_failures_of_sessions_that_are_over_are_forgotten() -> None:
    yard = Yard()
    yard.launches.failed("over")
    yard.launches.failed("open")
    yard.clock.time += timedelta(seconds=31)
    yard.launches.forget_all_but(frozenset({"open"}))

    assert list(yard.launches._backoff) == ["open"]


def test_a_failure_of_a_moment_ago_is_remembered_even_if_the_session_is_not_seen_yet() -> None:
    yard = Yard()
    for _ in range(3):
        yard.launches.failed("new")
    yard.launches.forget_all_but(frozenset())

    assert yard.launches.failures("new") == 3


def test_an_order_that_finds_the_queue_full_is_postponed_until_it_is_ordered_again(journal: Journal) -> None:
    async def scene(yard: Yard) -> None:
        for name in ("a", "b", "c"):
            yard.order(name)
        async with yard.running():
            await until(lambda: yard.launched() == ["a", "b"])
            yard.order("c")
            await until(lambda: yard.launched() == ["a", "b", "c"])

    asyncio.run(scene(Yard(concurrency=4, queue_orders=2)))

    assert [event["session"] for event in journal.all("launch_postponed")] == ["c"]


def test_with_claims_a_start_keeps_no_place_while_its_worker_comes(tmp_path: Path) -> None:
    async def scene(yard: Yard) -> None:
        async with yard.running():
            for name in ("a", "b", "c"):
                yard.order(name)
            await until(lambda: yard.launched() == ["a", "b", "c"])

    with closing(SqliteState(tmp_path / "state.db", StillClock())) as state:
        asyncio.run(scene(claiming(state, concurrency=1)))


def test_what_another_is_starting_is_left_to_it(tmp_path: Path, journal: Journal) -> None:
    async def scene(yard: Yard, other: LaunchClaims) -> None:
        other.leases.claim(launch_id("a"), "other 1 x", ttl=timedelta(minutes=1), now=yard.clock.now())
        async with yard.running():
            yard.order("a")
            yard.order("b")
            await until(lambda: yard.launched() == ["b"])
            yard.order("a")
            await until(yard.launches._orders.empty)

    with closing(SqliteState(tmp_path / "state.db", StillClock())) as state:
        yard = claiming(state, concurrency=1)
        assert yard.claims is not None
        asyncio.run(scene(yard, yard.claims))

    assert yard.launched() == ["b"]
    assert [event["session"] for event in journal.all("worker_launched")] == ["b"]


def test_a_start_that_state_did_not_answer_for_is_tried_again(tmp_path: Path, journal: Journal) -> None:
    state = SqliteState(tmp_path / "state.db", StillClock())
    yard = claiming(state)

    async def scene() -> None:
        async with yard.running():
            yard.order("a")
            await until(lambda: len(journal.all("launch_failed")) == 1)
            with closing(SqliteState(tmp_path / "state.db", StillClock())) as back:
                yard.launches.claims = LaunchClaims(
                    leases=back.leases, channels=back.channels, clock=yard.clock, who="gateway"
                )
                yard.order("a")
                await until(lambda: yard.launched() == ["a"])

    state.close()
    asyncio.run(scene())


def claiming(state: SqliteState, concurrency: int = 2) -> Yard:
    """Give launches beside which others launch as well."""
    clock = StillClock()
    claims = LaunchClaims(leases=state.leases, channels=state.channels, clock=clock, who="gateway")
    return Yard(concurrency=concurrency, clock=clock, claims=claims)
