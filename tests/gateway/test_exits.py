from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.domain.session import Session
from tests.gateway.waiting import eventually
from tests.gateway.world import World

TTL = timedelta(minutes=1)


def launched(world: World, times: int) -> None:
    eventually(lambda: len(world.launcher.orders) >= times, what=f"{times} launches")


def on_air_with_lease(world: World) -> Session:
    """Let a publisher on air whose worker has claimed the session."""
    world.call("publish", sign=world.sign())
    launched(world, 1)
    session = world.session()
    world.state.leases.claim(session.id, "host:1", ttl=TTL, now=datetime.now(UTC))
    return session


def test_a_worker_that_dies_is_replaced_at_once_and_its_lease_is_free(app_alone: World) -> None:
    session = on_air_with_lease(app_alone)
    app_alone.launcher.end(session.id, -9)
    launched(app_alone, 2)
    lease = app_alone.state.leases.get(session.id)

    assert lease is not None
    assert not lease.is_valid(datetime.now(UTC))
    assert app_alone.journal.expect("worker_gone", session=session.id)["returncode"] == -9


def next_exit_is_handled(world: World) -> None:
    """Let another channel's worker be launched and die: exits are handled in order."""
    world.add_channel("other")
    world.call("publish", client_id=2, name="other", sign=world.sign("other"))
    launched(world, 2)
    other = world.session("other")
    world.launcher.end(other.id, -9)
    world.journal.expect("worker_gone", session=other.id)


def test_a_worker_that_found_the_lease_held_leaves_it_with_its_holder(app_alone: World) -> None:
    session = on_air_with_lease(app_alone)
    app_alone.launcher.end(session.id, 3)
    next_exit_is_handled(app_alone)
    lease = app_alone.state.leases.get(session.id)

    assert lease is not None
    assert lease.is_valid(datetime.now(UTC))
    assert not app_alone.journal.all("worker_gone", session=session.id)


def test_a_worker_that_ends_with_its_session_is_not_replaced(app_alone: World) -> None:
    session = on_air_with_lease(app_alone)
    app_alone.state.sessions.save(session=app_alone.session().ended(datetime.now(UTC)))
    app_alone.launcher.end(session.id, 0)
    next_exit_is_handled(app_alone)

    assert [order.channel_id for order in app_alone.launcher.orders].count("camera") == 1


def test_a_worker_that_dies_again_and_again_is_replaced_by_the_watch(new_world: Callable[..., World]) -> None:
    world = new_world(SWEEP_SECONDS="0.1")
    world.add_channel()
    world.start()
    publisher = world.publisher()
    session = world.until_on_air()
    for times in range(1, 4):
        launched(world, times)
        world.launcher.end(session.id, 1)
    launched(world, 4)

    assert publisher.is_running


def test_a_launcher_that_fails_is_tried_again_and_the_publisher_stays(new_world: Callable[..., World]) -> None:
    world = new_world(SWEEP_SECONDS="0.1")
    world.add_channel()
    world.start()
    world.launcher.fail(3)
    publisher = world.publisher()
    launched(world, 1)

    assert world.launcher.refused == 3
    assert len(world.journal.all("launch_failed")) == 3
    assert publisher.is_running
    assert world.session().publisher is not None
