from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.session import Air, Session, SessionState
from services.gateway.counts import Counts
from services.gateway.exits import Exits
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.runtime.giving_up import GivingUp
from tests.doubles.launcher import LauncherDouble
from tests.examples import a_channel, a_session, an_event
from tests.gateway.world import World
from tests.waiting import eventually

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


async def failed_over_its_end(state: SqliteState, deaths: int) -> Session:
    """Let `deaths` workers of a session that is being finalised die; give the session when that is handled."""
    session = a_session(publisher=None, closing=True)
    state.sessions.save(session=session, air=Air(channel_id="camera", version=1, session_id="session"))
    giving_up = GivingUp(sessions=state.sessions, channels=state.channels, outbox=state.outbox, clock=SystemClock())
    exits = Exits(loop=asyncio.get_running_loop(), giving_up=giving_up, give_up_failures=2)
    launches = Launches(
        launcher=LauncherDouble(), listeners=Listeners(), clock=SystemClock(), counts=Counts(), concurrency=1
    )
    for _ in range(deaths):
        exits.reported(session.id, 1)
    handling = asyncio.create_task(exits.run(state.sessions, state.leases, launches))
    async with asyncio.timeout(5):
        await asyncio.sleep(0)  # the reports arrive as from a thread
        await exits.handled()
    handling.cancel()
    await asyncio.gather(handling, return_exceptions=True)
    return state.sessions.get(session.id)


def test_a_session_whose_workers_die_over_its_end_fails_and_frees_its_channel(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "state.db") as state:
        failed = asyncio.run(failed_over_its_end(state, 2))
        air = state.sessions.air("camera")

    assert failed.state_reason is not None
    assert (failed.state, failed.state_reason.code) == (SessionState.FAILED, "worker_failing")
    assert (air.session_id, air.media_sequence > 0) == (None, True)


def test_a_failure_is_told_after_what_the_workers_told(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "state.db") as state:
        state.channels.add(a_channel(name="Gate"))
        state.outbox.append([an_event(1)])
        failed = asyncio.run(failed_over_its_end(state, 2))
        _, told = state.outbox.read("session/session", 0, 10)

    assert (told.type, told.sequence, told.at) == ("session.failed", 2, failed.ended_at)
    assert (told.data["reason"]["code"], told.data["name"]) == ("worker_failing", "Gate")


def test_one_death_over_its_end_is_not_the_end_of_a_session(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "state.db") as state:
        session = asyncio.run(failed_over_its_end(state, 1))

    assert session.state.is_open
