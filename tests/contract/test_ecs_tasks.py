"""The list of tasks as ECS gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.adapters.ecs_opening import EcsWorkers
from services.domain.errors import LaunchFailed, OrderSpent
from services.domain.ports import LaunchOrder
from tests.contract.ecs_world import ECS_WORLDS, FLEET, opened
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_answers import CAPACITY, Answer
from tests.emulators import Emulators

ZONE = "eu-central-1b"


@pytest.fixture
def fleet(ecs: FakeEcs) -> EcsWorkers:
    return opened(ecs.url)


def launch(fleet: EcsWorkers, session_id: str = "session-1") -> None:
    fleet.launcher.launch(LaunchOrder(channel_id="camera", session_id=session_id, zone=ZONE))


def listed(fleet: EcsWorkers) -> list[str | None]:
    return [task.session_id for task in fleet.tasks.all()]


def test_a_worker_is_listed_from_its_order_on_with_what_it_works_for(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    launch(fleet)

    (task,) = fleet.tasks.all()
    assert (task.id, task.session_id, task.zone) == (ecs.tasks()[0].id, "session-1", ZONE)
    assert not task.is_running
    assert datetime.now(UTC) - timedelta(seconds=5) < task.started_at <= datetime.now(UTC)


def test_a_worker_runs_once_its_container_does(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    launch(fleet)
    ecs.tasks()[0].runs_at = ecs.plane.now()

    assert [task.is_running for task in fleet.tasks.all()] == [True]


def test_what_is_stopping_or_over_is_not_listed(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    for name in ("a", "b", "c"):
        launch(fleet, name)
    stopped, killed, _ = ecs.tasks()

    fleet.tasks.stop(stopped.id, "its session has ended")
    ecs.kill(killed.id)

    assert listed(fleet) == ["c"]
    assert stopped.stopped_reason == "its session has ended"


def test_more_tasks_than_one_page_holds_are_all_listed(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    launch(fleet)
    (asked,) = ecs.calls("RunTask")
    ecs.plane.has_limits = False
    for number in range(230):
        ecs.plane.call("RunTask", {**asked, "clientToken": str(number), "startedBy": f"session-{number}"})

    assert len(set(listed(fleet))) == 231 - 1  # one session is there twice
    assert (len(ecs.calls("ListTasks")), len(ecs.calls("DescribeTasks"))) == (3, 3)


def test_another_deployments_tasks_in_the_same_cluster_are_nobodys_business(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    launch(opened(ecs.url, stack="other"))

    assert listed(fleet) == []


def test_to_stop_what_is_gone_is_no_error(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    launch(fleet)
    ecs.kill(ecs.tasks()[0].id)

    fleet.tasks.stop(ecs.all_tasks()[0].id, "an orphan")
    fleet.tasks.stop("0" * 32, "an orphan")

    assert listed(fleet) == []


def test_a_task_is_over_when_it_has_stopped_or_nobody_knows_it(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    launch(fleet)
    task_id = ecs.tasks()[0].id
    before = fleet.tasks.is_over(task_id)
    ecs.kill(task_id)

    assert (before, fleet.tasks.is_over(task_id), fleet.tasks.is_over("0" * 32)) == (False, True, True)


def test_a_worker_that_is_no_task_of_ecs_is_not_taken_for_one_that_is_over(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    assert not fleet.tasks.is_over("some-host")
    assert ecs.calls("DescribeTasks") == []


def test_an_idle_worker_is_listed_without_a_session_and_an_order_starts_one(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    fleet.tasks.launch_idle(ZONE, token="pool-1")
    fleet.tasks.launch_idle(ZONE, token="pool-1")

    assert [(task.session_id, task.zone) for task in fleet.tasks.all()] == [(None, ZONE)]
    assert (ecs.tasks()[0].command, ecs.tasks()[0].started_by) == (["--pool"], "pool")


def test_an_order_whose_tasks_are_over_is_said_to_be_spent(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    for _ in range(2):  # the second is given under the token with a number behind it
        fleet.tasks.launch_idle(ZONE, token="pool-1")
        ecs.kill(ecs.tasks()[0].id)

    with pytest.raises(OrderSpent):
        fleet.tasks.launch_idle(ZONE, token="pool-1")


def test_an_idle_worker_is_wanted_in_its_zone_or_not_at_all(ecs: FakeEcs, fleet: EcsWorkers) -> None:
    ecs.plane.no_capacity(ZONE)

    with pytest.raises(LaunchFailed, match=CAPACITY):
        fleet.tasks.launch_idle(ZONE, token="pool-1")


@pytest.mark.parametrize(
    ("task_definition", "is_outdated"),
    [("worker", False), ("worker:1", False), ("worker:2", True), ("arn:aws:ecs:x:1:task-definition/worker:2", True)],
)
def test_a_task_of_another_revision_than_is_started_now_is_outdated(
    ecs: FakeEcs,
    fleet: EcsWorkers,
    task_definition: str,
    is_outdated: bool,  # noqa: FBT001
) -> None:
    launch(fleet)

    assert [task.is_outdated for task in opened(ecs.url, task_definition=task_definition).tasks.all()] == [is_outdated]


def call(fleet: EcsWorkers, name: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "ListTasks": fleet.tasks.all,
        "DescribeTasks": lambda: fleet.tasks.is_over("a" * 32),
        "StopTask": lambda: fleet.tasks.stop("a", "an orphan"),
    }
    calls[name]()


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks", "StopTask"])
def test_a_list_that_cannot_be_had_is_an_error_and_no_empty_list(
    ecs: FakeEcs, fleet: EcsWorkers, operation: str
) -> None:
    ecs.plan(operation, Answer(400, "AccessDeniedException", "not authorized"))

    with pytest.raises(LaunchFailed, match=f"{FLEET['cluster']}.*lacks a right"):
        call(fleet, operation)


@pytest.mark.parametrize("world", ["ecs", "ecs-moto", "ecs-ministack"])
def test_what_others_that_speak_the_protocol_list_is_read_alike(world: str, emulators: Emulators) -> None:
    place = ECS_WORLDS[world](emulators)
    fleet = place.fleet()
    launch(fleet, f"session-{world}")

    (task,) = [each for each in fleet.tasks.all() if each.session_id == f"session-{world}"]
    fleet.tasks.stop(task.id, "an orphan")

    assert task.zone or world == "ecs-moto"  # which knows none
    assert datetime.now(UTC) - timedelta(minutes=1) < task.started_at <= datetime.now(UTC)
    assert task.id not in [each.id for each in fleet.tasks.all()]
    assert fleet.tasks.is_over("0" * 32)
    place.close()
