"""State is away: publishes are refused in time, running captures go on, and all is true again soon after."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from services.adapters import dynamodb_table
from services.adapters.dynamodb_state import DynamodbState
from services.domain.session import Session
from services.gateway.arrivals import ANSWER_SECONDS
from tests.emulators import Emulators
from tests.examples import a_channel
from tests.fault.proxy import FaultProxy, Mode
from tests.gateway.world import World

NGINX_GIVES_UP_SECONDS = 10.0
TRUE_AGAIN_SECONDS = 10.0
TABLE = "gateway-while-state-is-away"


def plays(world: World, session: Session, token: str | None = None) -> int:
    """Let a worker ask to pull; give the answer's status."""
    query = {"session": session.id, "token": token or session.pull_token.reveal()}
    return world.call("play", client_id=900, **query).status_code


def test_a_worker_pulls_again_while_state_is_away(app_alone: World) -> None:
    app_alone.call("publish", sign=app_alone.sign())
    session = app_alone.session()
    app_alone.take_state_away()

    assert plays(app_alone, session) == 200
    assert plays(app_alone, session, "wrong") == 503
    assert plays(app_alone, replace(session, id="unknown")) == 503


def test_a_worker_pulls_again_while_state_is_away_that_an_earlier_life_of_the_app_admitted(
    new_world_with_nginx: Callable[..., World],
) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="0.1")
    world.add_channel()
    world.start(nginx=False)
    world.call("publish", sign=world.sign())
    session = world.session()
    world.served.stop()
    world.start_app()
    world.until(lambda: world.served.app.watch.desk.memory.get(session.id) is not None, "a sweep")
    world.take_state_away()

    assert plays(world, session) == 200


class Outage:
    """A gateway whose state is in DynamoDB behind a proxy; `state` is the test's own way to it."""

    def __init__(self, world: World, proxy: FaultProxy, state: DynamodbState) -> None:
        self.world = world
        self.proxy = proxy
        self.state = state

    def session(self, channel_id: str) -> Session:
        session_id = self.state.sessions.air(channel_id).session_id
        assert session_id is not None
        return self.state.sessions.get(session_id)

    def arrive(self, client_id: int) -> tuple[int, float]:
        """Let a publisher come; give the answer and after how many seconds."""
        began = time.monotonic()
        status = self.world.call("publish", client_id=client_id, sign=self.world.sign()).status_code
        return status, time.monotonic() - began


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@pytest.fixture
def outage(new_world_with_nginx: Callable[..., World], emulators: Emulators) -> Iterator[Outage]:
    """A gateway with nginx, the usual pace of DynamoDB, and two channels."""
    endpoint = emulators.url("moto")
    dynamodb_table.prepare(TABLE, endpoint=endpoint)
    with FaultProxy(endpoint) as proxy, DynamodbState(TABLE, endpoint=endpoint) as state:
        world = new_world_with_nginx(STATE="dynamodb", TABLE=TABLE, SWEEP_SECONDS="5")
        with environment(AWS_ENDPOINT_URL_DYNAMODB=proxy.url):
            for channel_id in ("camera", "other"):
                life = {"outdate": a_channel().outdate.replace(year=2099)}
                state.channels.add(a_channel(channel_id, **life))
            try:
                world.start()
                yield Outage(world, proxy, state)
            finally:
                world.close()
                for channel_id in ("camera", "other"):
                    state.channels.remove(channel_id)


@pytest.mark.parametrize("mode", ["hang", "gone", "500"])
def test_publishers_are_refused_in_time_while_state_is_away(outage: Outage, mode: Mode) -> None:
    outage.proxy.fail(mode)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(outage.arrive, range(12)))
    outage.proxy.heal()

    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < min(ANSWER_SECONDS + 1.5, NGINX_GIVES_UP_SECONDS)
    assert outage.world.journal.expect("publish_refused")["reason"] == "state_unavailable"


def test_threads_do_not_pile_up_while_state_hangs(outage: Outage) -> None:
    client = outage.world.http
    before = threading.active_count()
    outage.proxy.fail("hang")
    with ThreadPoolExecutor(8) as pool:
        readiness = list(pool.map(lambda _number: client.get("/readyz").status_code, range(16)))
    during = threading.active_count()
    outage.proxy.heal()

    assert set(readiness) == {503}
    assert during - before <= 12  # one look at readiness, a sweep, and the proxy's own


def test_what_happened_while_state_was_away_is_true_within_seconds_of_its_return(outage: Outage) -> None:
    world = outage.world
    leaving, staying = world.publisher(), world.publisher(world.key("other"))
    world.until(lambda: None not in (world.on_air("camera"), world.on_air("other")), "both are on air")
    before = outage.session("other")
    outage.proxy.fail("gone")
    leaving.kill()
    world.journal.expect("departure_not_recorded", channel="camera", within=15)
    world.journal.expect("sweep_skipped", within=20)
    outage.proxy.heal()
    began = time.monotonic()
    world.until(lambda: outage.session("camera").publisher is None, "the departure is recorded")

    assert time.monotonic() - began < TRUE_AGAIN_SECONDS
    assert staying.is_running
    assert outage.session("other").publisher == before.publisher
