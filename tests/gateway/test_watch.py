from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.domain.session import Block, Close
from tests.gateway.publisher import Publisher
from tests.gateway.world import World
from tests.processes import name_of_a_dead_process

CUT_SECONDS = 3.0  # ffmpeg notices at its next packet

Change = Callable[[World, str], None]


def disable(world: World, channel_id: str = "camera") -> None:
    world.change_channel(channel_id, enabled=False)


def expire(world: World, channel_id: str = "camera") -> None:
    world.change_channel(channel_id, outdate=datetime.now(UTC))


def block(world: World, channel_id: str = "camera") -> None:
    world.block(Block(until=None, reason="spam", since=datetime.now(UTC)), channel_id)


def delete(world: World, channel_id: str = "camera") -> None:
    world.state.channels.remove(channel_id)


def stop(world: World, channel_id: str = "camera") -> None:
    world.state.sessions.save(session=world.session(channel_id).asked_to_close(Close.STOP))


PROHIBITIONS: dict[str, Change] = {"disable": disable, "expire": expire, "block": block, "delete": delete, "stop": stop}


def on_air(world: World, *channel_ids: str) -> Publisher:
    """Let publishers on air; give the last."""
    names = channel_ids or ("camera",)
    for channel_id in names:
        world.add_channel(channel_id)
    world.start()
    publishers = [world.publisher(world.key(channel_id)) for channel_id in names]
    for channel_id in names:
        world.until_on_air(channel_id)
    return publishers[-1]


@pytest.fixture
def slow_watch(new_world: Callable[..., World]) -> World:
    """A gateway whose watch sweeps once at its start and then not for a minute."""
    return new_world(SWEEP_SECONDS="60")


def test_publishers_that_may_no_longer_be_on_air_are_cut_by_the_next_sweep(new_world: Callable[..., World]) -> None:
    world = new_world()
    on_air(world, *PROHIBITIONS)
    for channel_id, forbid in PROHIBITIONS.items():
        forbid(world, channel_id)

    assert {world.until_interrupted(channel_id).close for channel_id in PROHIBITIONS} == {Close.STOP}
    assert {channel_id for channel_id in PROHIBITIONS if world.on_air(channel_id)} == set()


@pytest.mark.parametrize("forbid", PROHIBITIONS.values(), ids=PROHIBITIONS)
def test_a_refresh_cuts_a_publisher_that_may_no_longer_be_on_air_at_once(slow_watch: World, forbid: Change) -> None:
    publisher = on_air(slow_watch)
    forbid(slow_watch, "camera")
    status = slow_watch.refresh()

    assert status == 204
    assert publisher.exit_code(CUT_SECONDS) != 0
    assert slow_watch.until_interrupted().close is Close.STOP


def test_a_channel_that_expires_while_on_air_is_cut(new_world: Callable[..., World]) -> None:
    world = new_world()
    publisher = on_air(world)
    world.change_channel("camera", outdate=datetime.now(UTC) + timedelta(seconds=1))

    assert publisher.exit_code(CUT_SECONDS) != 0
    assert world.journal.expect("session_cut")["reason"] == "key_expired"


def test_a_change_that_forbids_nothing_leaves_the_publisher_on_air(slow_watch: World) -> None:
    publisher = on_air(slow_watch)
    before = slow_watch.session()
    slow_watch.change_channel("camera", image_time=5)
    status = slow_watch.refresh()

    assert status == 204
    assert publisher.is_running
    assert slow_watch.session() == before


def test_a_session_without_publisher_is_ended_when_its_channel_is_disabled(slow_watch: World) -> None:
    on_air(slow_watch).leave()
    slow_watch.until_interrupted()
    disable(slow_watch)
    slow_watch.refresh()

    assert slow_watch.session().close is Close.STOP


def test_a_publisher_whose_session_is_lost_from_state_is_cut_by_the_next_sweep(
    new_world: Callable[..., World],
) -> None:
    world = new_world()
    publisher = on_air(world)
    world.forget_sessions()

    assert publisher.exit_code(CUT_SECONDS) != 0
    assert world.journal.expect("unknown_publisher_cut", channel="camera")


def test_a_refresh_cuts_a_publisher_whose_session_has_ended(slow_watch: World) -> None:
    publisher = on_air(slow_watch)
    slow_watch.state.sessions.save(session=slow_watch.session().ended(datetime.now(UTC)))
    slow_watch.refresh()

    assert publisher.exit_code(CUT_SECONDS) != 0


def test_a_departure_that_nobody_told_of_is_found(new_world: Callable[..., World]) -> None:
    world = new_world(HOLD_SECONDS="0")
    publisher = on_air(world)
    world.served.stop()
    publisher.kill()
    world.until(lambda: world.on_air() is None, "nginx has noticed")
    world.start_app()

    session = world.until_interrupted()
    found = world.journal.all("publisher_found_missing")

    assert [event["session"] for event in found] == [session.id]
    assert not world.journal.all("publisher_left")


def test_a_publisher_outlives_a_restart_of_the_callback_app(new_world: Callable[..., World]) -> None:
    world = new_world()
    publisher = on_air(world)
    before = world.session()
    world.served.stop()
    world.start_app()
    world.until(lambda: bool(world.launcher.orders), "the first sweep has orders a worker")
    world.add_channel("other")
    world.publisher(world.key("other"))
    world.until_on_air("other")

    assert publisher.is_running
    assert world.session() == before


def test_an_nginx_that_is_killed_interrupts_the_session_and_its_next_life_takes_the_publisher_at_once(
    new_world_with_nginx: Callable[..., World],
) -> None:
    world = new_world_with_nginx()
    on_air(world)
    before = world.session()
    world.nginx.kill()
    world.until_interrupted(within=4.0)
    world.nginx.start()
    world.publisher()
    session = world.until_on_air()

    assert session.id == before.id
    assert session.publisher is not None
    assert session.publisher.gateway == f"local/{world.nginx.boot()}"


def test_a_publisher_of_the_life_before_is_not_in_the_way_even_if_nobody_has_noticed(
    new_world_with_nginx: Callable[..., World],
) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60")
    on_air(world)
    before = world.session()
    world.nginx.kill()
    world.nginx.start()
    world.publisher()
    session = world.until_on_air()

    assert session.id == before.id
    assert session.publisher != before.publisher


def test_a_worker_of_the_life_before_does_not_count_as_listening(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60")
    on_air(world)
    session = world.session()
    world.call("play", client_id=50, boot=world.nginx.boot(), session=session.id, token=session.pull_token.reveal())
    world.nginx.kill()
    world.nginx.start()
    world.publisher()
    resumed = world.until_on_air()

    assert resumed.publisher is not None
    assert not resumed.publisher.listening


def test_sweeps_go_on_when_state_was_away_for_a_while(new_world: Callable[..., World]) -> None:
    world = new_world()
    publisher = on_air(world)
    world.take_state_away()
    world.journal.expect("sweep_skipped")
    on_air_meanwhile = publisher.is_running
    world.bring_state_back()
    disable(world)

    assert on_air_meanwhile
    assert publisher.exit_code(CUT_SECONDS) != 0


def test_a_session_whose_worker_holds_the_lease_gets_no_second_one(new_world: Callable[..., World]) -> None:
    world = new_world()
    on_air(world)
    session = world.session()
    world.state.leases.claim(session.id, "host:1", ttl=timedelta(minutes=1), now=datetime.now(UTC))
    world.served.stop()
    world.start_app()
    world.add_channel("other")
    world.publisher(world.key("other"))
    world.until_on_air("other")
    world.until(lambda: bool(world.launcher.orders), "the other's worker is ordered")

    assert {order.channel_id for order in world.launcher.orders} == {"other"}


def test_a_session_whose_worker_died_unseen_gets_another_although_its_lease_runs(
    new_world: Callable[..., World],
) -> None:
    world = new_world()
    on_air(world)
    session = world.session()
    world.state.leases.claim(session.id, name_of_a_dead_process(), ttl=timedelta(minutes=1), now=datetime.now(UTC))
    world.served.stop()
    world.start_app()
    world.until(lambda: bool(world.launcher.orders), "a launch")

    assert world.launcher.orders[0].session_id == session.id


def test_a_session_without_worker_gets_one_when_the_app_starts(new_world: Callable[..., World]) -> None:
    world = new_world()
    on_air(world)
    session = world.session()
    world.served.stop()
    world.start_app()
    world.until(lambda: bool(world.launcher.orders), "a launch")

    assert world.launcher.orders[0].session_id == session.id


def test_the_worker_is_told_of_a_departure_and_of_a_refresh(slow_watch: World) -> None:
    publisher = on_air(slow_watch)
    session = slow_watch.session()
    told = slow_watch.worker_control(session)
    slow_watch.refresh()
    after_refresh = told.count(f"Bearer {session.pull_token.reveal()}")
    publisher.leave()
    slow_watch.until(lambda: len(told) == 2, "the departure is told")

    assert after_refresh == 1
    assert told == [f"Bearer {session.pull_token.reveal()}"] * 2


def test_a_worker_that_does_not_answer_keeps_nobody_from_being_cut(slow_watch: World) -> None:
    publisher = on_air(slow_watch)
    session = slow_watch.session()
    slow_watch.worker_control(session, url="http://127.0.0.1:9")  # nobody listens there
    disable(slow_watch)

    assert slow_watch.refresh() == 204
    assert publisher.exit_code(CUT_SECONDS) != 0
    assert slow_watch.journal.expect("worker_not_told")


def test_the_end_and_the_next_life_of_nginx_are_logged_once(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx()
    on_air(world)
    world.journal.expect("gateway_found", gateway=f"local/{world.nginx.boot()}")
    world.nginx.kill()
    world.until_interrupted()
    world.nginx.start()
    world.journal.expect("gateway_found", gateway=f"local/{world.nginx.boot()}")

    assert len(world.journal.all("gateway_gone")) == 1
