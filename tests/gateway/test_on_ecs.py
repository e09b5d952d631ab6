"""The callback app as ECS runs it: `python -m services.gateway` beside ECS's agent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from services.domain.clock import SystemClock
from services.domain.gateways import Gateway
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_agent import EcsAgent, deployment, ecs_agent
from tests.gateway.test_command import Command
from tests.gateway.world import World
from tests.waiting import eventually


@pytest.fixture
def agent() -> Iterator[EcsAgent]:
    with ecs_agent("0123abc", address="127.0.0.1", zone="eu-central-1b") as agent:
        yield agent


@pytest.fixture
def task(new_world_with_nginx: Callable[..., World], agent: EcsAgent) -> Iterator[tuple[World, Command]]:
    """The command in a task's environment, not started yet, and the rest of its gateway."""
    with FakeEcs(start_seconds=0) as ecs:
        world = new_world_with_nginx(**ecs.settings, STOP_DRAIN_SECONDS="4")
    world.add_channel()
    command = Command({**world.variables, **agent.variables}, world.folder / "command.log")
    with world.nginx:
        yield world, command
        if command.process.poll() is None:
            os.kill(command.process.pid, signal.SIGKILL)
            command.exit_code()


def row(world: World) -> Gateway | None:
    return next((each for each in world.state.gateways.all() if each.name.startswith("0123abc/")), None)


def another_gateway(world: World) -> None:
    world.state.gateways.put(
        Gateway(
            name="other/1",
            seen_at=SystemClock().now(),
            pull_url="rtmp://10.0.0.9:1935/stream",
            control_url="http://10.0.0.9:8002",
        )
    )


def test_a_task_says_by_its_row_what_ecs_tells_it_and_is_protected_while_it_has_publishers(
    task: tuple[World, Command], agent: EcsAgent
) -> None:
    world, command = task
    command.start()
    told = eventually(lambda: row(world), what="its row")
    before = list(agent.protections)
    world.publisher()
    world.until_on_air()
    eventually(lambda: bool(agent.protections), what="it is protected")

    port = world.nginx.rtmp_url.rpartition(":")[2].partition("/")[0]
    assert (told.pull_url, told.zone) == (f"rtmp://127.0.0.1:{port}/stream", "eu-central-1b")
    assert told.control_url == f"http://127.0.0.1:{world.port}"
    assert (before, agent.protections[0]["ProtectionEnabled"]) == ([], True)


def test_a_task_that_is_stopped_lets_its_publishers_go_and_takes_its_row_away(task: tuple[World, Command]) -> None:
    world, command = task
    command.start()
    eventually(lambda: row(world), what="its row")
    publisher = world.publisher()
    world.until_on_air()
    another_gateway(world)
    os.kill(command.process.pid, signal.SIGTERM)

    assert command.exit_code() == 0
    assert publisher.exit_code() != 0
    assert row(world) is None
    assert "publisher_let_go" in command.log


def test_a_task_that_a_newer_deployment_replaces_says_so_in_its_row(
    task: tuple[World, Command], agent: EcsAgent
) -> None:
    world, command = task
    agent.deployments = [deployment("ecs-svc/2"), deployment("ecs-svc/1", status="ACTIVE")]
    another_gateway(world)
    command.start()

    eventually(lambda: (found := row(world)) is not None and found.draining_since is not None, what="it drains")


def test_a_task_that_does_not_learn_where_it_is_says_what_to_set_and_exits_1(
    task: tuple[World, Command], agent: EcsAgent
) -> None:
    _, command = task
    agent.address = None
    command.start()

    assert command.exit_code() == 1
    assert "STREAMKEEP_ADVERTISED_HOST" in command.log
