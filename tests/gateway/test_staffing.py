"""Workers that hang are killed and replaced; those that leave get a successor beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.domain.session import Lease, Session
from services.gateway.exits import EXIT_LEASE
from services.runtime.process_name import own_name
from tests.gateway.served import INTERNAL_TOKEN
from tests.gateway.world import World

LEASE_SECONDS = 3.0


@pytest.fixture
def world(new_world_with_nginx: Callable[..., World]) -> World:
    """An app that sweeps often, without nginx; leases are short."""
    world = new_world_with_nginx(SWEEP_SECONDS="0.05", LEASE_SECONDS=str(LEASE_SECONDS))
    world.add_channel()
    world.start(nginx=False)
    return world


def working(
    world: World, *, seconds: float, leaving: bool = False, holder: str = "elsewhere:1"
) -> tuple[Session, Lease]:
    """Let a session have a worker whose lease runs for so long; give both."""
    world.call("publish", sign=world.sign())
    launched(world, 1)
    session, now = world.session(), datetime.now(UTC)
    ttl = timedelta(seconds=seconds)
    lease = world.state.leases.claim(session.id, holder, ttl=ttl, now=now)
    return session, world.state.leases.renew(replace(lease, leaving=leaving), ttl=ttl, now=now)


def launched(world: World, times: int) -> None:
    world.until(lambda: len(world.launcher.orders) >= times, f"{times} launches")


def swept(world: World, seconds: float) -> None:
    """Let the watch look for a while."""
    until = time.monotonic() + seconds
    world.until(lambda: time.monotonic() > until, "time has passed")


def test_a_worker_whose_lease_stays_expired_is_killed_and_replaced(world: World) -> None:
    session, lease = working(world, seconds=0.01)
    expired_at = time.monotonic()
    launched(world, 2)

    assert world.launcher.killed == [session.id]
    assert world.journal.expect("worker_hung", session=session.id)
    assert LEASE_SECONDS <= time.monotonic() - expired_at < LEASE_SECONDS + 2
    assert lease.epoch == 1


def test_a_worker_that_renews_in_time_is_left_alone(world: World) -> None:
    _, lease = working(world, seconds=0.01)
    swept(world, LEASE_SECONDS * 0.7)
    world.state.leases.renew(lease, ttl=timedelta(minutes=1), now=datetime.now(UTC))
    swept(world, LEASE_SECONDS * 0.7)

    assert world.launcher.killed == []
    assert len(world.launcher.orders) == 1


def test_what_was_seen_before_an_outage_of_state_is_held_against_nobody(world: World) -> None:
    working(world, seconds=0.01)
    swept(world, LEASE_SECONDS * 0.7)
    world.take_state_away()
    world.journal.expect("sweep_skipped")
    world.bring_state_back()
    swept(world, LEASE_SECONDS * 0.7)

    assert world.launcher.killed == []


def test_a_worker_of_an_earlier_life_of_the_app_has_time_to_renew_after_an_outage(world: World) -> None:
    session, _ = working(world, seconds=0.01, holder=own_name())
    began = time.monotonic()
    world.launcher.end(session.id, EXIT_LEASE)  # and the holder, which is this process, is no child of the app
    launched(world, 2)

    assert time.monotonic() - began >= LEASE_SECONDS


def test_a_worker_that_is_leaving_gets_one_successor(world: World) -> None:
    session, _ = working(world, seconds=60, leaving=True)
    launched(world, 2)
    swept(world, 0.5)

    assert [order.is_successor for order in world.launcher.orders] == [False, True]
    assert {order.session_id for order in world.launcher.orders} == {session.id}


def test_when_the_leaving_worker_has_gone_its_successor_is_the_only_one(world: World) -> None:
    session, lease = working(world, seconds=60, leaving=True)
    launched(world, 2)
    world.state.leases.release(lease)
    world.state.leases.claim(session.id, "elsewhere:2", ttl=timedelta(minutes=1), now=datetime.now(UTC))
    world.launcher.end(session.id, 0)
    world.journal.expect("worker_of_two_gone", session=session.id)
    swept(world, 0.5)

    assert len(world.launcher.orders) == 2
    assert not world.journal.all("worker_gone")
    kept = world.state.leases.get(session.id)
    assert kept is not None
    assert kept.is_valid(datetime.now(UTC))


def test_a_successor_that_dies_is_replaced_while_the_other_is_still_leaving(world: World) -> None:
    session, lease = working(world, seconds=60, leaving=True)
    launched(world, 2)
    world.launcher.end(session.id, -9)
    launched(world, 3)

    assert [order.is_successor for order in world.launcher.orders] == [False, True, True]
    kept = world.state.leases.get(session.id)
    assert kept is not None
    assert kept.epoch == lease.epoch
    assert kept.is_valid(datetime.now(UTC))


def succeed(world: World, session_id: str, token: str) -> int:
    """Make a worker's private call; give the answer's status."""
    return world.http.post(
        f"/sessions/{session_id}/successor", headers={"Authorization": f"Bearer {token}"}
    ).status_code


@pytest.fixture
def slow(new_world_with_nginx: Callable[..., World]) -> World:
    """An app that does not sweep for a minute."""
    world = new_world_with_nginx(SWEEP_SECONDS="60")
    world.add_channel()
    world.start(nginx=False)
    return world


@pytest.mark.parametrize("caller", ["worker", "internal"])
def test_a_leaving_worker_asks_for_its_successor_at_once(slow: World, caller: str) -> None:
    session, _ = working(slow, seconds=60, leaving=True)
    status = succeed(slow, session.id, session.pull_token.reveal() if caller == "worker" else INTERNAL_TOKEN)
    launched(slow, 2)

    assert status == 204
    assert slow.launcher.orders[1].is_successor


def test_a_worker_that_is_not_leaving_gets_no_successor(slow: World) -> None:
    session, _ = working(slow, seconds=60)

    assert succeed(slow, session.id, session.pull_token.reveal()) == 409
    assert len(slow.launcher.orders) == 1


def test_a_stranger_learns_nothing_about_sessions(slow: World) -> None:
    session, _ = working(slow, seconds=60, leaving=True)
    statuses = {succeed(slow, each, "wrong") for each in (session.id, "nobody", "a%20b")}

    assert statuses == {401}
    assert succeed(slow, "nobody", INTERNAL_TOKEN) == 404
