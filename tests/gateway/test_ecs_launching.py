"""Workers as tasks: what the gateway orders, and what it does when it gets none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from services.domain.pool import IdleWorker
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_answers import VCPUS, Answer, server_error, throttled
from tests.doubles.ecs_task import FakeTask
from tests.gateway.ecs_variables import variables
from tests.gateway.world import World
from tests.serving import serving
from tests.waiting import eventually

ZONE = "eu-central-1b"
TTL = timedelta(minutes=1)


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    with FakeEcs(start_seconds=3600) as ecs, variables(ecs.variables):
        yield ecs


@pytest.fixture
def on_ecs(new_world: Callable[..., World], ecs: FakeEcs) -> World:
    """A gateway in ZONE, with one channel, whose tasks never come to run."""
    world = new_world(ZONE=ZONE, **ecs.settings)
    world.add_channel()
    return world


def until_ordered(ecs: FakeEcs, count: int = 1, within: float = 10.0) -> list[FakeTask]:
    eventually(lambda: len(ecs.tasks()) >= count, within=within, what=f"{count} tasks")
    return ecs.tasks()


# What is ordered


def test_a_publish_orders_a_task_in_the_gateways_own_zone(on_ecs: World, ecs: FakeEcs) -> None:
    on_ecs.start()
    on_ecs.publisher()
    (task,) = until_ordered(ecs)

    session = on_ecs.until_on_air()
    assert task.command == ["--channel", "camera", "--session", session.id]
    assert (task.zone, task.started_by, task.request["clientToken"]) == (ZONE, session.id, f"{session.id}-1-1")


def test_a_task_that_is_still_starting_is_not_ordered_again(on_ecs: World, ecs: FakeEcs) -> None:
    on_ecs.start()
    on_ecs.publisher()
    until_ordered(ecs)
    on_ecs.until_on_air()
    before = len(on_ecs.journal.all("worker_launched"))
    on_ecs.refresh()
    on_ecs.refresh()

    assert (before, len(ecs.calls("RunTask"))) == (1, 1)


def test_a_worker_that_works_is_not_ordered_again_when_its_publisher_comes_back(on_ecs: World, ecs: FakeEcs) -> None:
    on_ecs.start()
    first = on_ecs.publisher()
    until_ordered(ecs)
    session = on_ecs.until_on_air()
    on_ecs.state.leases.claim(session.id, "worker:1", ttl=TTL, now=datetime.now(UTC))
    first.leave()
    on_ecs.until_interrupted()
    on_ecs.publisher()
    on_ecs.until_on_air()
    on_ecs.refresh()

    assert len(ecs.calls("RunTask")) == 1


def test_a_worker_elsewhere_whose_lease_has_ended_is_the_reconcilers_who_sees_its_task(
    on_ecs: World, ecs: FakeEcs
) -> None:
    on_ecs.start()
    on_ecs.publisher()
    until_ordered(ecs)
    session = on_ecs.until_on_air()
    long_ago = datetime.now(UTC) - 2 * TTL
    on_ecs.state.leases.claim(session.id, "worker:1", ttl=TTL, now=long_ago)  # as after an outage of state
    on_ecs.refresh()
    on_ecs.refresh()

    assert len(ecs.calls("RunTask")) == 1


def test_workers_live_on_when_the_gateway_ends(on_ecs: World, ecs: FakeEcs) -> None:
    on_ecs.start()
    on_ecs.publisher()
    until_ordered(ecs)
    on_ecs.served.stop()

    assert len(ecs.tasks()) == 1
    assert ecs.calls("StopTask") == []


# What fails

NOT_ALLOWED = Answer(400, "AccessDeniedException", "not authorized")
QUOTA: dict[str, Any] = {"tasks": [], "failures": [{"reason": VCPUS}]}


@pytest.mark.parametrize(
    "answers",
    [(throttled(),) * 6, (server_error(),) * 3, (NOT_ALLOWED,) * 2, (QUOTA,) * 2],
    ids=["busy", "away", "right", "quota"],
)
def test_an_accepted_publish_is_not_forgotten_because_a_launch_failed(
    on_ecs: World, ecs: FakeEcs, answers: tuple[Answer | dict[str, Any], ...]
) -> None:
    ecs.plan("RunTask", *answers)
    on_ecs.start()
    publisher = on_ecs.publisher()
    on_ecs.journal.expect("launch_failed")
    (task,) = until_ordered(ecs, within=20)

    session = on_ecs.until_on_air()
    assert publisher.is_running
    assert task.started_by == session.id
    assert task.request["clientToken"] != ecs.calls("RunTask")[0]["clientToken"]


def test_a_publish_is_not_forgotten_while_no_zone_has_room(on_ecs: World, ecs: FakeEcs) -> None:
    for zone in ecs.plane.subnets.values():
        ecs.plane.no_capacity(zone)
    on_ecs.start()
    publisher = on_ecs.publisher()
    on_ecs.journal.expect("launch_failed")
    on_ecs.until(lambda: len(on_ecs.journal.all("launch_failed")) == 2, "a second try")
    ecs.plane.has_capacity(ZONE)
    until_ordered(ecs)

    assert publisher.is_running
    assert on_ecs.until_on_air().publisher is not None


# The warm pool


@contextmanager
def idle_worker(world: World, *, answers: bool = True) -> Iterator[list[dict[str, str]]]:
    """Let a worker wait in the pool; give what it is told."""
    told: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/claim"
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, serving(server):
        port = server.server_port if answers else 1
        url = f"http://127.0.0.1:{port}"
        world.state.pool.offer(IdleWorker(id="idle-1", control_url=url, seen_at=datetime.now(UTC), zone=ZONE))
        yield told


def test_a_worker_that_waits_is_claimed_and_told_and_no_task_is_started(on_ecs: World, ecs: FakeEcs) -> None:
    with idle_worker(on_ecs) as told:
        on_ecs.start()
        on_ecs.publisher()
        eventually(lambda: told, what="the idle worker is told")

        session = on_ecs.until_on_air()
        assert told == [{"channel": "camera", "session": session.id}]
        row = on_ecs.state.pool.get("idle-1")
        assert row is not None
        assert row.session_id == session.id
        assert ecs.calls("RunTask") == []


def test_a_waiting_worker_that_does_not_answer_is_replaced_by_a_task(on_ecs: World, ecs: FakeEcs) -> None:
    with idle_worker(on_ecs, answers=False):
        on_ecs.start()
        on_ecs.publisher()
        until_ordered(ecs)

    assert on_ecs.journal.expect("idle_worker_silent")["worker"] == "idle-1"
