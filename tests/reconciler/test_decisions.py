"""What follows from a sight, case by case; nothing is asked and nothing is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from services.domain.gateways import Connection, Gateway
from services.domain.pool import IdleWorker
from services.domain.session import Air, Lease, Session
from services.domain.standing import Standing
from services.domain.tasks import Task
from services.reconciler import forgetting, publishers
from services.reconciler.actions import (
    Action,
    Close,
    FreeLease,
    Launch,
    LaunchIdle,
    LosePublisher,
    StopHung,
    StopIdle,
)
from services.reconciler.caution import Caution
from services.reconciler.memory import Memory
from services.reconciler.sight import Sight
from services.reconciler.standing_by import StandingBy
from services.reconciler.workers import Workers
from tests.examples import NOW, a_channel, a_publisher, a_session
from tests.reconciler.world.quiet import quiet

WORKERS = Workers(lease_seconds=60.0)
LATER = NOW + timedelta(seconds=30)


def a_gateway(**facts: Any) -> Gateway:  # noqa: ANN401 - any field of the record
    connections = (Connection(channel_id="camera", client_id="1"),)
    told = {"name": "gw/1", "seen_at": LATER, "pull_url": "rtmp://gw/stream", "control_url": "http://gw", "zone": "a"}
    return Gateway(**{**told, "connections": connections, **facts})


def a_lease(task_id: str = "t1", **facts: Any) -> Lease:  # noqa: ANN401 - as above
    told = {
        "session_id": "session",
        "epoch": 3,
        "holder": f"{task_id}:k:1:1",
        "expires_at": LATER + timedelta(seconds=40),
    }
    return Lease(**{**told, **facts})


def a_task(task_id: str = "t1", **facts: Any) -> Task:  # noqa: ANN401 - as above
    return Task(
        **{"id": task_id, "session_id": "session", "started_at": NOW - timedelta(minutes=9), "zone": "a", **facts}
    )


def a_standing(session: Session | None = None, lease: Lease | None = None, **facts: Any) -> Standing:  # noqa: ANN401
    session = session or a_session()
    told = {"channel": a_channel(), "air": Air(channel_id="camera", session_id=session.id, version=1)}
    return Standing(**{**told, "session": session, "lease": lease, **facts})


@dataclass(slots=True)
class Sights:
    """Sights that follow each other in a world where nothing else changes."""

    standings: Sequence[Standing] = ()
    gateways: Sequence[Gateway] = ()
    tasks: Sequence[Task] | None = ()
    pool: Sequence[IdleWorker] = ()

    def at(self, seconds: float) -> Sight:
        return Sight(
            now=LATER + timedelta(seconds=seconds),
            at=seconds,
            standings={each.session.id: each for each in self.standings if each.session is not None},
            gateways={each.name: each for each in self.gateways},
            pool={each.id: each for each in self.pool},
            tasks=None if self.tasks is None else {each.id: each for each in self.tasks},
        )


def publishers_after(sights: Sights, *moments: float) -> list[Action]:
    memory, decided = Memory(), list[Action]()
    for moment in moments:
        sight = sights.at(moment)
        memory.begin(sight.at)
        decided = list(publishers.decide(sight, memory))
    return decided


def workers_after(sights: Sights, *moments: float) -> list[Action]:
    memory, decided = Memory(), list[Action]()
    for moment in moments:
        sight = sights.at(moment)
        memory.begin(sight.at)
        decided = list(WORKERS.decide(sight, memory))
    return decided


def kinds(actions: Sequence[Action]) -> list[type[Action]]:
    return [type(action) for action in actions]


def test_a_publisher_that_its_gateway_lists_stays() -> None:
    assert publishers_after(Sights([a_standing()], [a_gateway()]), 0, 5) == []


def test_a_publisher_whose_gateway_lists_others_only_is_lost_when_it_was_seen_so_for_a_while() -> None:
    sights = Sights([a_standing()], [a_gateway(connections=())])

    assert publishers_after(sights, 0) == []
    (lost,) = publishers_after(sights, 0, 5)

    assert isinstance(lost, LosePublisher)
    assert (lost.session_id, lost.since) == ("session", LATER)


def test_a_publisher_that_was_let_in_just_now_may_be_missing_in_its_gateways_list() -> None:
    session = a_session(publisher=a_publisher(accepted_at=LATER - timedelta(seconds=5)))

    assert publishers_after(Sights([a_standing(session)], [a_gateway(connections=())]), 0, 5) == []


def test_the_publishers_of_a_dead_gateway_are_lost_since_it_was_seen_last() -> None:
    sights = Sights([a_standing()], [a_gateway(seen_at=LATER - timedelta(seconds=7))])

    (lost,) = publishers_after(sights, 0, 5)

    assert isinstance(lost, LosePublisher)
    assert lost.since == LATER - timedelta(seconds=7)


def test_what_was_so_before_a_long_time_without_a_sweep_counts_no_more() -> None:
    sights = Sights([a_standing()], [a_gateway(connections=())])

    assert publishers_after(sights, 0, 40) == []


@pytest.mark.parametrize(("gateways", "closed"), [([a_gateway()], 0), ([], 1)])
def test_a_deleted_channels_session_is_closed_where_no_gateway_does_it(gateways: list[Gateway], closed: int) -> None:
    session = a_session() if gateways else a_session(publisher=None, absent_since=NOW)

    decided = publishers_after(Sights([a_standing(session, channel=None)], gateways), 0)

    assert kinds(decided) == [Close] * closed


def test_a_session_without_a_worker_gets_one_in_its_publishers_zone() -> None:
    (launch,) = workers_after(Sights([a_standing()], [a_gateway()]), 0)

    assert isinstance(launch, Launch)
    assert (launch.zone, launch.is_successor) == ("a", False)


def test_no_worker_is_ordered_while_the_platform_does_not_say_what_runs() -> None:
    assert workers_after(Sights([a_standing()], [a_gateway()], tasks=None), 0) == []


@pytest.mark.parametrize("task", [a_task(is_running=False, started_at=NOW), a_task()])
def test_a_session_whose_task_starts_or_runs_is_not_given_another_at_once(task: Task) -> None:
    assert workers_after(Sights([a_standing()], [a_gateway()], [task]), 0, 20, 40) == []


def test_a_task_without_a_lease_for_as_long_as_one_lasts_is_hung_and_replaced() -> None:
    sights = Sights([a_standing(lease=a_lease(expires_at=NOW))], [a_gateway()], [a_task()])

    assert kinds(workers_after(sights, 0, 20, 40, 60)) == [StopHung, Launch]


def test_a_task_that_never_begins_to_run_is_given_up() -> None:
    sights = Sights([a_standing()], [a_gateway()], [a_task(is_running=False)])

    assert kinds(workers_after(sights, 0)) == [StopHung, Launch]


def test_a_lease_whose_task_is_not_listed_is_looked_into_and_not_again_at_once() -> None:
    sights = Sights([a_standing(lease=a_lease())], [a_gateway()])

    assert kinds(workers_after(sights, 0)) == [FreeLease]
    assert workers_after(sights, 0, 5) == []
    assert kinds(workers_after(sights, 0, 20, 30)) == [FreeLease]


@pytest.mark.parametrize("tasks", [[a_task()], []])
def test_a_leaving_worker_gets_a_successor_though_its_task_is_stopping_already(tasks: list[Task]) -> None:
    decided = workers_after(Sights([a_standing(lease=a_lease(leaving=True))], [a_gateway()], tasks), 0)

    assert [action.is_successor for action in decided if isinstance(action, Launch)] == [True]


def test_a_leaving_worker_with_a_successor_gets_no_other() -> None:
    sights = Sights([a_standing(lease=a_lease(leaving=True))], [a_gateway()], [a_task(), a_task("t2")])

    assert workers_after(sights, 0) == []


def test_a_worker_of_the_pool_counts_for_the_session_that_claimed_it() -> None:
    row = IdleWorker(id="t1", control_url="http://t1", seen_at=NOW, channel_id="camera", session_id="session")
    sights = Sights([a_standing()], [a_gateway()], [a_task(session_id=None)], [row])

    assert workers_after(sights, 0) == []
    assert sights.at(0).idle == []


def test_a_worker_counts_for_the_session_whose_lease_it_holds_though_nothing_else_says_so() -> None:
    sights = Sights([a_standing(lease=a_lease())], [a_gateway()], [a_task(session_id=None)])

    assert workers_after(sights, 0) == []
    assert sights.at(0).idle == []


def waiting(*ids: str, **facts: Any) -> Mapping[str, list[Any]]:  # noqa: ANN401 - any field of a task
    tasks = [replace(a_task(name, session_id=None), **facts) for name in ids]
    rows = [IdleWorker(id=name, control_url="http://w", seen_at=LATER, zone="a") for name in ids]
    return {"tasks": tasks, "pool": rows}


def pool_after(size: int, sights: Sights) -> list[Action]:
    memory = Memory()
    memory.begin(0.0)
    return list(StandingBy(size=size, zones=("a",)).decide(sights.at(0), memory))


def test_two_looks_of_one_minute_order_the_same_worker_and_not_two() -> None:
    first, second = pool_after(1, Sights()), pool_after(1, Sights())

    assert kinds(first) == [LaunchIdle]
    assert [action.subject for action in first] == [action.subject for action in second]


def test_who_came_and_went_within_a_minute_is_replaced_by_another_order() -> None:
    memory, pool = Memory(), StandingBy(size=1, zones=("a",))
    subjects = []
    for sights in (Sights(), Sights(**waiting("t1", started_at=NOW)), Sights()):
        memory.begin(0.0)
        subjects += [action.subject for action in pool.decide(sights.at(0), memory)]
    memory.spent("pool-a", subjects[-1])
    memory.begin(0.0)
    subjects += [action.subject for action in pool.decide(Sights().at(0), memory)]

    assert len(set(subjects)) == len(subjects) == 3


def test_a_worker_more_than_is_wanted_is_stopped() -> None:
    assert kinds(pool_after(1, Sights(**waiting("t1", "t2")))) == [StopIdle]


def test_a_worker_whose_zone_is_not_known_yet_counts() -> None:
    assert pool_after(1, Sights(**waiting("t1", zone=""))) == []


def test_a_worker_of_an_earlier_version_waits_until_another_can_take_over() -> None:
    old, new = waiting("t1", is_outdated=True), waiting("t2")
    both = Sights(tasks=[*old["tasks"], *new["tasks"]], pool=[*old["pool"], *new["pool"]])

    assert kinds(pool_after(1, Sights(**old))) == [LaunchIdle]
    assert [action.subject for action in pool_after(1, both)] == ["t1"]


def test_the_row_of_a_gateway_that_is_dead_for_long_is_forgotten_unless_a_session_names_it() -> None:
    dead = a_gateway(seen_at=NOW - timedelta(minutes=10))

    assert [action.subject for action in forgetting.decide(Sights(gateways=[dead]).at(0))] == ["gw/1"]
    assert list(forgetting.decide(Sights([a_standing()], [dead]).at(0))) == []


def losses(count: int) -> list[LosePublisher]:
    return [
        LosePublisher(reason="", session_id=f"s{n}", channel_id="c", publisher=a_publisher(), since=NOW)
        for n in range(count)
    ]


def of_sessions(count: int, at: float) -> Sight:
    return Sights([a_standing(a_session(f"s{number}")) for number in range(count)]).at(at)


@pytest.mark.parametrize(("ends", "live", "allowed"), [(4, 4, 4), (5, 10, 5), (6, 10, 0), (5, 5, 0)])
def test_a_sweep_that_would_end_more_than_half_and_at_least_five_ends_none(ends: int, live: int, allowed: int) -> None:
    with quiet():
        assert len(Caution().allowed(losses(ends), of_sessions(live, 0))) == allowed


def test_what_ends_nothing_is_done_all_the_same() -> None:
    launch = Launch(reason="", session_id="s9", channel_id="c", zone="")

    with quiet():
        assert Caution().allowed([*losses(8), launch], of_sessions(10, 0)) == [launch]


def test_what_all_of_three_sweeps_and_thirty_seconds_say_is_done() -> None:
    caution = Caution()
    with quiet():
        assert caution.allowed(losses(9), of_sessions(10, 0)) == []
        assert caution.allowed(losses(8), of_sessions(10, 25)) == []
        assert len(caution.allowed(losses(9), of_sessions(10, 30))) == 8


def test_a_sweep_in_between_that_is_harmless_begins_it_anew() -> None:
    caution = Caution()
    with quiet():
        for at in (0, 10, 20):
            caution.allowed(losses(9), of_sessions(10, at))
        caution.allowed([], of_sessions(10, 25))
        assert caution.allowed(losses(9), of_sessions(10, 35)) == []


def test_an_operator_may_turn_the_safety_stop_off() -> None:
    assert len(Caution(is_on=False).allowed(losses(9), of_sessions(10, 0))) == 9


def test_the_second_order_comes_at_once_and_later_ones_wait_longer_and_longer() -> None:
    memory, waited = Memory(), []
    at = 0.0
    for _ in range(8):
        began = at
        memory.begin(at)
        while not memory.may_order("session"):
            at += 1.0
            memory.begin(at)
        waited.append(at - began)
        memory.ordered("session", is_closing=False)

    assert waited[:2] == [0, 0]
    assert 30 <= waited[-1] <= 60
