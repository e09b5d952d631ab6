"""What is true of workers as tasks of ECS besides the contract."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.domain.errors import LaunchFailed
from services.domain.ports import LaunchOrder
from tests.contract.ecs_world import opened
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_answers import CAPACITY, VCPUS, Answer, server_error, throttled

HOME = "eu-central-1b"
ORDER = LaunchOrder(channel_id="camera", session_id="session-1", epoch=3, attempt=7, zone=HOME)
SPOT = {"FARGATE_SPOT": 3, "FARGATE": 1}
GROUP = "Error retrieving security group information for [sg-worker]: "


def failure(reason: str) -> dict[str, Any]:
    return {"tasks": [], "failures": [{"reason": reason}]}


def places(ecs: FakeEcs) -> list[tuple[str, str]]:
    return [(task.zone, task.capacity_provider) for task in ecs.tasks()]


def asked_zones(ecs: FakeEcs) -> list[str]:
    """Give where RunTask was asked to run a task, by the subnet's last letter."""
    calls = ecs.calls("RunTask")
    return [call["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0][-1] for call in calls]


def test_an_order_says_ids_only_and_by_whom_and_for_what_it_is(ecs: FakeEcs) -> None:
    opened(ecs.url).launcher.launch(ORDER)

    (asked,) = ecs.calls("RunTask")
    assert asked["overrides"] == {
        "containerOverrides": [{"name": "worker", "command": ["--channel", "camera", "--session", "session-1"]}]
    }
    assert (asked["clientToken"], asked["startedBy"]) == ("session-1-3-7", "session-1")
    assert {tag["key"]: tag["value"] for tag in asked["tags"]} == {
        "streamkeep:stack": "test",
        "streamkeep:session": "session-1",
        "streamkeep:channel": "camera",
    }
    assert asked["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-b"],
        "securityGroups": ["sg-worker"],
        "assignPublicIp": "ENABLED",
    }
    assert (asked["enableECSManagedTags"], asked["propagateTags"]) == (True, "TASK_DEFINITION")
    assert asked["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE", "weight": 1}]


def test_a_size_overrides_the_task_definitions(ecs: FakeEcs) -> None:
    opened(ecs.url).launcher.launch(LaunchOrder(channel_id="camera", session_id="session-1", size="medium"))

    overrides = ecs.tasks()[0].overrides
    assert (overrides["cpu"], overrides["memory"]) == ("1024", "2048")


def test_an_order_that_is_given_twice_starts_one_task(ecs: FakeEcs) -> None:
    launcher = opened(ecs.url).launcher

    launcher.launch(ORDER)
    launcher.launch(ORDER)

    assert len(ecs.all_tasks()) == 1


def test_an_order_whose_answer_is_lost_starts_one_task(ecs: FakeEcs) -> None:
    ecs.lose_answers("RunTask", 1)

    opened(ecs.url).launcher.launch(ORDER)

    assert (len(ecs.calls("RunTask")), len(ecs.all_tasks())) == (2, 1)


def test_an_order_that_a_task_came_of_in_another_zone_starts_no_second(ecs: FakeEcs) -> None:
    opened(ecs.url).launcher.launch(LaunchOrder(channel_id="camera", session_id="session-1", zone="eu-central-1a"))

    opened(ecs.url).launcher.launch(LaunchOrder(channel_id="camera", session_id="session-1", zone=HOME))

    assert places(ecs) == [("eu-central-1a", "FARGATE")]


def test_a_task_that_has_ended_is_not_taken_for_the_one_that_is_ordered(ecs: FakeEcs) -> None:
    launcher = opened(ecs.url).launcher
    launcher.launch(ORDER)
    ecs.kill(ecs.tasks()[0].id)

    launcher.launch(ORDER)

    assert len(ecs.tasks()) == 1


@pytest.mark.parametrize("burns", [False, True])
def test_where_the_own_zone_is_full_the_worker_runs_in_another(ecs: FakeEcs, burns: bool) -> None:  # noqa: FBT001
    ecs.plane.tokens_burn = burns
    ecs.plane.no_capacity(HOME)

    opened(ecs.url).launcher.launch(ORDER)

    assert places(ecs) == [("eu-central-1a", "FARGATE")]


def test_a_full_zone_is_asked_after_the_others_for_a_while(ecs: FakeEcs) -> None:
    launcher = opened(ecs.url).launcher
    ecs.plane.no_capacity(HOME)
    launcher.launch(ORDER)

    launcher.launch(LaunchOrder(channel_id="camera", session_id="session-2", zone=HOME))

    assert asked_zones(ecs) == ["b", "a", "a"]


def test_without_spare_capacity_the_worker_is_on_demand_before_it_is_far_away(ecs: FakeEcs) -> None:
    ecs.plane.no_capacity(HOME, "FARGATE_SPOT")

    opened(ecs.url, capacity=SPOT).launcher.launch(ORDER)

    assert places(ecs) == [(HOME, "FARGATE")]


def test_who_wants_spare_capacity_alone_gets_no_other(ecs: FakeEcs) -> None:
    for zone in ecs.plane.subnets.values():
        ecs.plane.no_capacity(zone, "FARGATE_SPOT")

    with pytest.raises(LaunchFailed, match="no capacity"):
        opened(ecs.url, capacity={"FARGATE_SPOT": 1}).launcher.launch(ORDER)


def test_an_exhausted_quota_is_not_asked_for_in_each_zone(ecs: FakeEcs) -> None:
    ecs.plan("RunTask", failure(VCPUS), failure(VCPUS))

    with pytest.raises(LaunchFailed, match="Service Quotas"):
        opened(ecs.url, capacity=SPOT).launcher.launch(ORDER)

    assert [call["capacityProviderStrategy"][0]["capacityProvider"] for call in ecs.calls("RunTask")] == [
        "FARGATE_SPOT",
        "FARGATE",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        failure(CAPACITY),
        failure("RESOURCE:ENI"),
        Answer(400, "ClientException", CAPACITY),
        Answer(
            400, "InvalidParameterException", "Not enough free addresses (ErrorCode: InsufficientFreeAddressesInSubnet)"
        ),
    ],
    ids=lambda answer: str(answer)[:30],
)
def test_each_word_for_a_full_zone_leads_to_another(ecs: FakeEcs, answer: Answer | dict[str, Any]) -> None:
    ecs.plan("RunTask", answer)

    opened(ecs.url).launcher.launch(ORDER)

    assert places(ecs) == [("eu-central-1a", "FARGATE")]


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (throttled(), "asked less often"),
        (Answer(400, "InvalidParameterException", f"{GROUP}Request limit exceeded."), "asked less often"),
        (Answer(400, "ClientException", "Too many tasks are in the PROVISIONING state."), "asked less often"),
        (server_error(), "does not answer now"),
        (Answer(400, "AccessDeniedException", "not authorized"), "iam:PassRole"),
        (Answer(400, "ClusterNotFoundException", "Cluster not found."), "STREAMKEEP_CLUSTER"),
        (Answer(400, "InvalidParameterException", "TaskDefinition not found."), "STREAMKEEP_WORKER_TASK"),
        (Answer(400, "ExpiredTokenException", "expired"), "credentials"),
        (Answer(400, "BlockedException", "blocked"), "AWS Support"),
        (failure("ATTRIBUTE"), "STREAMKEEP_SUBNETS"),
        ({"tasks": [], "failures": []}, "no reason is given"),
    ],
    ids=lambda case: str(case)[:30],
)
def test_what_ecs_refuses_is_an_error_that_says_what_to_do(
    ecs: FakeEcs, answer: Answer | dict[str, Any], remedy: str
) -> None:
    ecs.plan("RunTask", answer, answer, answer)

    with pytest.raises(LaunchFailed, match=remedy):
        opened(ecs.url).launcher.launch(ORDER)

    assert ecs.tasks() == []


def test_a_single_throttle_or_server_error_costs_no_launch(ecs: FakeEcs) -> None:
    ecs.plan("RunTask", throttled(), server_error())

    opened(ecs.url).launcher.launch(ORDER)

    assert len(ecs.tasks()) == 1


def test_an_ecs_that_is_not_there_is_an_error_and_no_exception_of_others() -> None:
    with pytest.raises(LaunchFailed, match=r"AWS_ENDPOINT_URL_ECS|does not answer"):
        opened("http://127.0.0.1:1").launcher.launch(ORDER)


def test_many_launches_at_once_are_paced_and_none_is_throttled(ecs: FakeEcs) -> None:
    launcher = opened(ecs.url).launcher
    orders = [LaunchOrder(channel_id="camera", session_id=f"session-{number}") for number in range(50)]

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(launcher.launch, orders))

    assert len(ecs.tasks()) == len(ecs.calls("RunTask")) == len(orders)
