from __future__ import annotations

import time

import pytest

from services.runtime import ecs_metadata
from services.runtime.ecs_metadata import TaskUnknown, own_task
from tests.doubles.ecs_agent import CLUSTER, ecs_agent, task_arn


def test_a_process_that_ecs_does_not_run_has_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ecs_metadata.VARIABLE, raising=False)

    assert own_task() is None


def test_a_task_learns_its_name_address_and_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with ecs_agent("0123abc", address="10.0.3.4", zone="eu-central-1b") as agent:
        monkeypatch.setenv(ecs_metadata.VARIABLE, agent.variables[ecs_metadata.VARIABLE])
        task = own_task()

    assert task is not None
    assert (task.id, task.address, task.zone) == ("0123abc", "10.0.3.4", "eu-central-1b")
    assert (task.arn, task.cluster) == (task_arn("0123abc"), CLUSTER)


def test_a_task_without_an_address_asks_again_and_then_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with ecs_agent("0123abc") as agent:
        monkeypatch.setenv(ecs_metadata.VARIABLE, agent.variables[ecs_metadata.VARIABLE])
        agent.address = None
        with pytest.raises(TaskUnknown, match="STREAMKEEP_ADVERTISED_HOST"):
            own_task()

    assert agent.asked > 1


def test_an_agent_that_is_not_there_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with ecs_agent("0123abc") as agent:
        pass
    monkeypatch.setenv(ecs_metadata.VARIABLE, agent.variables[ecs_metadata.VARIABLE])
    began = time.monotonic()

    with pytest.raises(TaskUnknown):
        own_task()

    assert time.monotonic() - began < 5
