"""A gateway that is to go: refuses newcomers, and lets its publishers go one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from services.adapters.ecs_opening import open_service
from services.adapters.ecs_protection import EcsProtection
from services.domain.clock import SystemClock
from services.domain.errors import PlatformUnavailable
from services.gateway.draining import Plan
from services.gateway.protection import Protection, minutes_for
from services.gateway.rollouts import RolloutWatch
from tests.doubles.ecs_agent import CLUSTER, EcsAgent, deployment, ecs_agent
from tests.gateway.pair import Pair
from tests.gateway.publisher import Publisher
from tests.gateway.world import World
from tests.rtmp import Connection as Rtmp
from tests.rtmp import Refused
from tests.waiting import eventually

CHANNELS = ("camera", "stage", "street")


def test_publishers_are_let_go_evenly_and_all_by_the_end() -> None:
    plan = Plan(seconds=10, left=10)
    gone = []
    there = 4
    for _ in range(10):
        plan.left -= 1
        there -= plan.too_many(there)
        gone.append(4 - there)

    assert gone == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4]


def test_who_leaves_by_itself_counts_as_let_go() -> None:
    plan = Plan(seconds=10, left=10)
    plan.too_many(4)
    plan.left = 5

    assert (plan.too_many(4), plan.too_many(2)) == (2, 0)


def test_without_a_span_all_are_let_go_at_once() -> None:
    assert Plan(seconds=0, left=0).too_many(3) == 3


@pytest.fixture
def busy(pair: Pair) -> tuple[Pair, list[Publisher]]:
    """Two gateways, and a publisher of each channel at `a`."""
    for channel_id in CHANNELS[1:]:
        pair.a.add_channel(channel_id)
    publishers = [pair.a.publisher(pair.a.key(channel_id)) for channel_id in CHANNELS]
    for channel_id in CHANNELS:
        pair.a.until_on_air(channel_id)
    return pair, publishers


def drain(world: World, seconds: float) -> None:
    world.served.call(lambda: world.served.app.draining.begin(seconds))


def test_a_draining_gateway_lets_its_publishers_go_one_by_one(busy: tuple[Pair, list[Publisher]]) -> None:
    pair, publishers = busy
    drain(pair.a, 3)
    running = []
    began = time.monotonic()

    def look() -> bool:
        running.append(sum(each.is_running for each in publishers))
        return running[-1] == 0

    eventually(look, what="all are gone")

    assert set(running) == {3, 2, 1, 0}
    assert 2 < time.monotonic() - began < 6
    assert [event["channel"] for event in pair.journal.all("publisher_let_go")] == sorted(CHANNELS)
    assert pair.a.until_interrupted().state_reason is not None


def test_a_draining_gateway_refuses_publishers_and_another_takes_them(pair: Pair) -> None:
    drain(pair.a, 600)
    eventually(lambda: pair.rows()["a"].draining_since is not None, within=2, what="its row says so")
    with pytest.raises(Refused), Rtmp(f"{pair.a.nginx.rtmp_url}/{pair.a.key()}"):
        pass
    with Rtmp(f"{pair.b.nginx.rtmp_url}/{pair.b.key()}"):
        pass

    assert pair.journal.expect("publish_refused")["reason"] == "draining"
    assert not pair.rows()["a"].takes_publishers(SystemClock().now())
    statuses = [pair.a.http.get(path).status_code for path in ("/readyz", "/nlb", "/healthz")]
    assert statuses == [503, 200, 200]  # who is found unhealthy is replaced at once, with all its publishers


def test_nobody_is_let_go_while_no_other_gateway_takes_publishers(busy: tuple[Pair, list[Publisher]]) -> None:
    pair, publishers = busy
    pair.b.served.stop()
    drain(pair.a, 0)
    pair.journal.expect("gateway_draining_postponed")
    stayed = [each.is_running for each in publishers]
    pair.b.start_app()
    eventually(lambda: not any(each.is_running for each in publishers), what="they are let go once another is back")

    assert stayed == [True] * 3


def test_a_rollout_that_is_given_up_lets_publishers_in_again(pair: Pair) -> None:
    drain(pair.a, 600)
    pair.a.served.call(pair.a.served.app.draining.give_up)
    with Rtmp(f"{pair.a.nginx.rtmp_url}/{pair.a.key()}"):
        pass

    eventually(lambda: pair.rows()["a"].draining_since is None, within=3, what="its row says so")


def test_who_is_about_to_end_tells_the_load_balancer_and_does_not_come_back(
    busy: tuple[Pair, list[Publisher]],
) -> None:
    pair, publishers = busy
    draining = pair.a.served.app.draining
    pair.a.served.run(draining.finish(3.0))
    pair.a.served.call(draining.give_up)

    assert not any(each.is_running for each in publishers)
    assert [pair.a.http.get(path).status_code for path in ("/nlb", "/healthz")] == [503, 200]


# On ECS


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcsAgent]:
    with ecs_agent("0123abc") as agent:
        for name, value in agent.variables.items():
            monkeypatch.setenv(name, value)
        yield agent


def test_a_newer_deployment_makes_the_gateway_drain_and_its_failure_ends_that(pair: Pair, agent: EcsAgent) -> None:
    draining = pair.a.served.app.draining
    service = open_service(cluster=CLUSTER, task_arn=agent.arn)
    watch = RolloutWatch(rollouts=service, draining=draining, drain_seconds=600, look_seconds=0.05)
    seen = []
    with pair.a.served.beside(watch.run()):
        for newer in ({"running": 0}, {"running": 1}, {"running": 1, "rollout": "FAILED"}):
            before = len(agent.asked_services)
            agent.deployments = [deployment("ecs-svc/2", **newer), deployment("ecs-svc/1", status="ACTIVE")]
            eventually(lambda: len(agent.asked_services) > before + 2, what="it has looked")  # noqa: B023 - at once
            seen.append(draining.door.is_shut)

    assert seen == [False, True, False]


def test_a_task_that_belongs_to_no_service_is_replaced_by_nobody(agent: EcsAgent) -> None:
    agent.group = "family:gateway"

    assert open_service(cluster=CLUSTER, task_arn=agent.arn).seen() is None


def test_a_service_that_cannot_be_seen_is_an_error_that_says_why(agent: EcsAgent) -> None:
    service = open_service(cluster=CLUSTER, task_arn=agent.arn)
    agent.group = "service:renamed"
    service.seen()
    agent.group = "service:gone"

    with pytest.raises(PlatformUnavailable, match="renamed"):
        service.seen()


def protection(world: World, **seconds: float) -> Protection:
    app = world.served.app
    task = EcsProtection.own()
    assert task is not None
    return Protection(task=task, pulse=app.pulse, door=app.draining.door, minutes=minutes_for(600), **seconds)


def test_a_gateway_is_protected_while_it_has_publishers(agent: EcsAgent, world: World) -> None:
    publisher = world.publisher()
    world.until_on_air()

    with world.served.beside(protection(world, renew_seconds=0.3, linger_seconds=0.3).run()):
        eventually(lambda: len(agent.protections) > 1, what="protected, and again")
        publisher.leave()
        eventually(lambda: not agent.protections[-1]["ProtectionEnabled"], what="released")

    assert agent.protections[:2] == [{"ProtectionEnabled": True, "ExpiresInMinutes": 20}] * 2


def test_an_idle_gateway_asks_for_no_protection(agent: EcsAgent, world: World) -> None:
    pulse = world.served.app.pulse
    with world.served.beside(protection(world, linger_seconds=0).run()):
        world.served.call(pulse.stir)
        for _ in range(3):
            world.served.run(pulse.next())

    assert agent.protections == []


def test_a_gateway_that_drained_gives_its_protection_up_at_once(agent: EcsAgent, world: World) -> None:
    publisher = world.publisher()
    world.until_on_air()

    with world.served.beside(protection(world).run()):
        eventually(lambda: bool(agent.protections), what="protected")
        drain(world, 600)
        publisher.leave()
        eventually(lambda: not agent.protections[-1]["ProtectionEnabled"], within=2, what="released")


def test_a_protection_that_is_refused_is_told_and_asked_for_again(agent: EcsAgent, world: World) -> None:
    agent.refuses = "DEPLOYMENT_BLOCKED"
    world.publisher()
    world.until_on_air()

    with world.served.beside(protection(world, retry_seconds=0.2).run()):
        told = world.journal.expect("task_not_protected")
        agent.refuses = None
        eventually(lambda: bool(agent.protections), what="protected")

    assert "DEPLOYMENT_BLOCKED" in told["error"]


def test_an_agent_that_does_not_answer_is_an_error() -> None:
    with ecs_agent("0123abc") as agent:
        pass

    with pytest.raises(PlatformUnavailable, match="does not answer"):
        EcsProtection(agent.variables["ECS_AGENT_URI"]).release()


def test_what_is_left_of_a_protection_always_lasts_for_a_whole_draining() -> None:
    assert (minutes_for(600), minutes_for(0)) == (20, 10)
