"""The watch sees open sessions through an overview that may lag by seconds: nobody is harmed by the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.domain.session import Block, Session
from tests.doubles.lagging_overview import LaggingOverview
from tests.gateway.publisher import Publisher
from tests.gateway.world import World


def on_air(world: World) -> Publisher:
    """Let a publisher on air and a worker hold its session."""
    publisher = world.publisher()
    world.until_on_air()
    world.until(lambda: bool(world.launcher.orders), "the worker is ordered")
    hold_lease(world, world.session())
    return publisher


def hold_lease(world: World, session: Session) -> None:
    world.state.leases.claim(session.id, "host:1", ttl=timedelta(minutes=1), now=datetime.now(UTC))


def assert_unharmed(world: World, publisher: Publisher, before: Session, overview: LaggingOverview) -> None:
    """Check that sweeps which saw the past have cut, stopped, ended and started nothing."""
    orders = len(world.launcher.orders)
    world.until_swept(overview)

    assert publisher.is_running
    assert world.on_air() is not None
    assert world.session() == before
    assert len(world.launcher.orders) == orders
    assert not world.journal.all("unknown_publisher_cut")
    assert not world.journal.all("session_cut")


@pytest.fixture
def overview(world: World) -> LaggingOverview:
    return world.lagging()


def test_a_session_that_is_not_seen_yet_keeps_its_publisher(world: World, overview: LaggingOverview) -> None:
    overview.hold()
    publisher = on_air(world)

    assert_unharmed(world, publisher, world.session(), overview)


@pytest.fixture
def pulled(new_world: Callable[..., World]) -> World:
    """A gateway with one channel and workers that pull."""
    world = new_world()
    world.pull_with_workers()
    world.add_channel()
    world.start()
    return world


def test_a_session_that_is_not_seen_yet_keeps_its_listener(pulled: World) -> None:
    overview = pulled.lagging()
    overview.hold()
    on_air(pulled)
    listeners, session = pulled.served.app.hooks.listeners, pulled.session()
    pulled.until(lambda: listeners.is_listening(session.id), "the worker pulls")
    pulled.until_swept(overview, 10)  # two seconds: more than a player may take to join

    assert listeners.is_listening(session.id)


def test_a_publisher_who_came_back_is_not_cut_for_a_session_that_still_waits_in_the_past(
    world: World, overview: LaggingOverview
) -> None:
    on_air(world).leave()
    world.until_interrupted()
    overview.hold()
    back = world.publisher()
    resumed = world.until_on_air()

    assert_unharmed(world, back, resumed, overview)


def test_a_publisher_who_came_back_is_not_taken_for_the_one_who_left(world: World, overview: LaggingOverview) -> None:
    first = on_air(world)
    overview.hold()
    first.leave()
    world.until_interrupted()
    back = world.publisher()
    resumed = world.until_on_air()

    assert_unharmed(world, back, resumed, overview)
    assert not world.journal.all("publisher_found_missing")


def test_the_listener_of_a_publisher_who_came_back_goes_on_listening(pulled: World) -> None:
    overview = pulled.lagging()
    first = on_air(pulled)
    listeners, session = pulled.served.app.hooks.listeners, pulled.session()
    pulled.until(lambda: listeners.is_listening(session.id), "the worker pulls")
    overview.hold()
    first.leave()
    pulled.until_interrupted()
    pulled.publisher()
    pulled.until_on_air()
    pulled.until(lambda: listeners.is_listening(session.id), "the worker pulls again")
    pulled.until_swept(overview, 10)

    assert listeners.is_listening(session.id)
    assert not pulled.journal.all("publisher_found_missing")


def test_a_ban_that_is_lifted_cuts_nobody_when_it_is_seen_late(world: World, overview: LaggingOverview) -> None:
    publisher = on_air(world)
    overview.hold()
    world.block(Block(until=None, reason="spam", since=datetime.now(UTC)))
    banned = overview.picture()
    world.state.sessions.save(air=world.state.sessions.air("camera").changed(block=None))
    overview.hold(banned)

    assert_unharmed(world, publisher, world.session(), overview)


def test_a_channel_that_is_enabled_again_stays_on_air_when_that_is_seen_late(
    world: World, overview: LaggingOverview
) -> None:
    publisher = on_air(world)
    overview.hold()
    world.change_channel("camera", enabled=False)
    disabled = overview.picture()
    world.change_channel("camera", enabled=True)
    overview.hold(disabled)

    assert_unharmed(world, publisher, world.session(), overview)


def test_a_channel_that_is_not_seen_yet_is_not_taken_for_a_deleted_one(world: World, overview: LaggingOverview) -> None:
    publisher = on_air(world)
    overview.hold()
    channel = world.state.channels.get("camera")
    world.state.channels.remove("camera")
    without = overview.picture()
    world.state.channels.add(channel)
    overview.hold(without)

    assert_unharmed(world, publisher, world.session(), overview)


def until_a_start_is_tried(world: World) -> Session:
    """Let a publisher on air whose worker cannot be started here, and give the session."""
    world.launcher.fail(1_000_000)
    world.publisher()
    session = world.until_on_air()
    world.until(lambda: world.launcher.refused > 0, "a worker is to be started")
    return session


def assert_no_start_is_tried(world: World, overview: LaggingOverview) -> None:
    """Check that sweeps which saw the past order no worker."""
    launches = world.served.app.watch.launches
    world.until_swept(overview)  # the last may have begun before
    world.until(lambda: not launches._queued and not launches._starting, "nothing is being started")
    launches._backoff.clear()  # what is ordered now is tried at once
    tried = world.launcher.refused
    world.until_swept(overview)

    assert world.launcher.refused == tried


def test_a_session_that_has_ended_gets_no_worker_again(world: World, overview: LaggingOverview) -> None:
    until_a_start_is_tried(world)
    overview.hold()
    ended = world.session().ended(datetime.now(UTC))
    world.state.sessions.save(session=ended, air=world.state.sessions.air("camera").changed(session_id=None))

    assert_no_start_is_tried(world, overview)
    assert world.state.sessions.get(ended.id).version == ended.version


def test_a_session_whose_lease_is_not_seen_yet_gets_no_second_worker(world: World, overview: LaggingOverview) -> None:
    session = until_a_start_is_tried(world)
    overview.hold()
    hold_lease(world, session)  # by a worker on another machine

    assert_no_start_is_tried(world, overview)
    assert world.session() == session


def test_what_a_sweep_cannot_see_yet_a_refresh_sees_at_once(world: World, overview: LaggingOverview) -> None:
    publisher = on_air(world)
    overview.hold()
    world.block(Block(until=None, reason="spam", since=datetime.now(UTC)))
    world.refresh()

    assert publisher.exit_code(3.0) != 0
    assert world.journal.expect("session_cut")["reason"] == "blocked"


def test_what_a_sweep_could_not_see_the_next_one_does(new_world: Callable[..., World]) -> None:
    world = new_world()
    world.add_channel()
    world.start()
    overview = world.lagging()
    publisher = on_air(world)
    overview.hold()
    world.change_channel("camera", enabled=False)
    world.until_swept(overview)
    meanwhile = publisher.is_running
    overview.let_go()

    assert meanwhile
    assert publisher.exit_code(5.0) != 0
