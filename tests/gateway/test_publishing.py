from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.domain.session import Block, SessionState
from tests.gateway.world import World

QUICKLY = 5.0  # seconds; a refusal takes a fraction of one


def refused(world: World, key: str, *, why: str) -> None:
    """Publish, expect to be refused at the socket, and to find why in the log, without the key."""
    publisher = world.publisher(key)
    code = publisher.exit_code(QUICKLY)
    event = world.journal.expect("publish_refused")

    assert code != 0
    assert event["reason"] == why
    assert world.on_air() is None
    secret = key.partition("-")[2]
    assert not secret or secret not in str(world.journal.events) + world.nginx.log


def test_a_publisher_with_a_valid_key_goes_on_air(world: World) -> None:
    publisher = world.publisher()
    session = world.until_on_air()

    assert publisher.is_running
    assert session.state is SessionState.STARTING
    assert session.publisher is not None
    assert session.publisher.client_id == world.on_air()
    assert session.publisher.gateway == f"local/{world.nginx.boot()}"
    assert session.publisher.address == "127.0.0.1"


def test_no_key_reaches_a_log_when_a_publisher_comes_and_goes(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx()
    world.add_channel()
    world.start()
    key = world.key()
    world.publisher(key)
    session = world.until_on_air()
    world.player("camera", session=session.id, token="wrong-token-of-a-player").exit_code()
    world.publisher(key).exit_code(QUICKLY)
    world.nginx.kill()
    world.until_interrupted()

    written = str(world.journal.events) + world.nginx.log
    assert key.partition("-")[2] not in written
    assert session.pull_token.reveal() not in written
    assert "wrong-token-of-a-player" not in written


def test_an_unknown_channel_is_refused_at_the_socket(world: World) -> None:
    refused(world, world.key("nobody"), why="unknown_channel")


@pytest.mark.parametrize("key", ["camera", "camera?sign=abc"])
def test_a_malformed_key_is_refused_at_the_socket(world: World, key: str) -> None:
    refused(world, key, why="bad_signature")


def test_a_wrong_key_is_refused_at_the_socket(world: World) -> None:
    refused(world, world.key()[:-2] + "00", why="bad_signature")


def test_the_key_of_another_channel_is_refused_at_the_socket(world: World) -> None:
    refused(world, f"camera?sign={world.sign('other')}", why="bad_signature")


def test_an_expired_key_is_refused_at_the_socket(world: World) -> None:
    sign = world.sign(expires=datetime.now(UTC) - timedelta(seconds=1))
    refused(world, f"camera?sign={sign}", why="key_expired")


def test_a_disabled_channel_is_refused_at_the_socket(world: World) -> None:
    world.change_channel("camera", enabled=False)

    refused(world, world.key(), why="disabled")


def test_a_blocked_channel_is_refused_at_the_socket(world: World) -> None:
    world.block(Block(until=None, reason="spam", since=datetime.now(UTC)))

    refused(world, world.key(), why="blocked")


def test_a_publisher_is_refused_while_state_is_away(world: World) -> None:
    world.break_state()

    refused(world, world.key(), why="state_unavailable")


def test_a_publisher_is_refused_while_the_callback_app_is_away(world: World) -> None:
    world.served.stop()

    assert world.publisher().exit_code(QUICKLY) != 0
    assert world.on_air() is None


@pytest.mark.parametrize("name", ["../camera", "камера", "a" * 65])
def test_a_name_that_is_no_id_is_refused_at_the_socket(world: World, name: str) -> None:
    playpath = f"{name}?sign={world.sign()}"  # given as such, for ffmpeg takes what is before a slash for the app
    publisher = world.publisher(options=["-rtmp_app", "stream", "-rtmp_playpath", playpath])
    code = publisher.exit_code(QUICKLY)

    assert code != 0
    assert world.journal.expect("callback_refused", hook="publish")["problem"].startswith("name: ")
    assert not world.streams()


@pytest.mark.parametrize(
    "tail",
    [
        "&name=victim&call=publish_done&clientid=999&addr=8.8.8.8&app=other",
        "&x=\"'\n\r\nname=victim&clientid=999",
        "&x=%0a%0d%0aname=victim&%6eame=victim",
        "&grüße=日本語&name=víctim",
        "&" * 200 + "name=victim",
        "&x=" + "y" * 4096 + "&name=victim",
    ],
    ids=["fields", "newlines", "escaped", "utf-8", "many", "4 kB"],
)
def test_a_query_that_speaks_for_nginx_changes_nothing(world: World, tail: str) -> None:
    world.add_channel("victim")
    publisher = world.publisher(world.key() + tail)
    session = world.until_on_air()

    assert session.publisher is not None
    assert session.publisher.client_id == world.on_air()
    assert session.publisher.address == "127.0.0.1"
    assert world.state.sessions.air("victim").session_id is None
    publisher.leave()
    world.until_interrupted()


def test_a_second_publisher_is_refused_and_the_first_stays_on_air(world: World) -> None:
    first = world.publisher()
    session = world.until_on_air()
    second = world.publisher()
    code = second.exit_code(QUICKLY)
    world.journal.expect("publish_refused", reason="on_air")

    assert code != 0
    assert first.is_running
    assert world.session().publisher == session.publisher
    assert world.on_air() == session.publisher.client_id if session.publisher else False


def test_a_publisher_that_returns_resumes_its_session(world: World) -> None:
    first = world.publisher()
    session = world.until_on_air()
    first.leave()
    world.until_interrupted()
    world.publisher()
    resumed = world.until_on_air()

    assert resumed.id == session.id
    assert resumed.publisher is not None


def test_a_killed_publisher_interrupts_its_session_promptly(world: World) -> None:
    publisher = world.publisher()
    session = world.until_on_air()
    publisher.kill()
    interrupted = world.until_interrupted(within=4.0)

    assert interrupted.id == session.id
    assert interrupted.state is SessionState.INTERRUPTED


def test_a_publisher_that_freezes_is_noticed_in_seconds_and_not_in_its_own_way(world: World) -> None:
    frozen = world.publisher()
    session = world.until_on_air()
    frozen.freeze()
    world.until_interrupted(within=20.0)
    world.publisher()

    assert world.until_on_air().id == session.id


def test_hundred_publishers_at_once_are_all_admitted_and_get_a_worker(
    new_world_with_nginx: Callable[..., World],
) -> None:
    world = new_world_with_nginx(HOLD_SECONDS="0", LAUNCH_CONCURRENCY="4", SWEEP_SECONDS="60")
    names = [f"channel-{number}" for number in range(100)]
    for name in names:
        world.add_channel(name)
    world.start(nginx=False)
    answers = world.arrive_together(names)
    world.until(lambda: bool(world.launcher.orders), "a first launch")
    for name in names:
        session = world.session(name)
        query = {"session": session.id, "token": session.pull_token.reveal()}
        world.call(
            "play", client_id=1000 + int(session.publisher.client_id if session.publisher else 0), name=name, **query
        )
    world.until(lambda: len(world.launcher.orders) == 100, "all are launched")

    assert answers == [200] * 100
    assert {order.channel_id for order in world.launcher.orders} == set(names)
    assert world.launcher.most_at_once <= 4
