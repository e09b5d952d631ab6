from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.gateway.callback import MAX_BODY_BYTES
from tests.gateway.world import World


def test_an_admitted_publisher_gets_200_and_the_time_of_the_decision(app_alone: World) -> None:
    answer = app_alone.call("publish", sign=app_alone.sign())

    assert answer.status_code == 200
    assert "decide;dur=" in answer.headers["Server-Timing"]


def test_a_refused_publisher_gets_403_and_the_log_says_why_without_the_key(app_alone: World) -> None:
    sign = app_alone.sign("other")
    answer = app_alone.call("publish", sign=sign)
    event = app_alone.journal.expect("publish_refused", channel="camera")

    assert answer.status_code == 403
    assert event["reason"] == "bad_signature"
    assert event["address"] == "192.0.2.7"
    assert sign.partition("-")[2] not in str(app_alone.journal.events)


@pytest.mark.parametrize("hook", ["publish", "play"])
def test_what_is_no_callback_is_refused(app_alone: World, hook: str) -> None:
    bodies = [b"", b"\xff\x00\n", b"app=stream&name=camera", b"x" * (MAX_BODY_BYTES + 1), b"y" * 5_000_000, b"{}"]
    answers = [app_alone.http.post(f"/hooks/boot/{hook}", content=body) for body in bodies]

    assert [answer.status_code for answer in answers] == [403] * len(bodies)
    assert len(app_alone.journal.all("callback_refused", hook=hook)) == len(bodies)


@pytest.mark.parametrize("hook", ["publish_done", "play_done"])
def test_a_farewell_that_is_no_callback_changes_nothing(app_alone: World, hook: str) -> None:
    app_alone.call("publish", sign=app_alone.sign())
    answer = app_alone.http.post(f"/hooks/boot/{hook}", content=b"\xff")

    assert answer.status_code == 200
    assert app_alone.session().publisher is not None


def test_the_departure_of_a_publisher_is_recorded(app_alone: World) -> None:
    app_alone.call("publish", client_id=5, sign=app_alone.sign())
    app_alone.call("publish_done", client_id=5)

    assert app_alone.session().publisher is None
    assert app_alone.journal.expect("publisher_left", session=app_alone.session().id)


def test_a_publisher_that_leaves_while_it_is_decided_does_not_stay_on_air(
    new_world_with_nginx: Callable[..., World],
) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60")
    world.add_channel()
    world.start(nginx=False)
    with sqlite3.connect(world.state_path, isolation_level=None) as lock, ThreadPoolExecutor(2) as pool:
        lock.execute("BEGIN IMMEDIATE")  # nothing can be decided before this writer ends
        arriving = pool.submit(world.call, "publish", sign=world.sign())
        threads = world.served.app.hooks.deciders._threads
        world.until(lambda: any(each._threads for each in threads), "the publisher is being decided")
        leaving = pool.submit(world.call, "publish_done")
        lock.execute("COMMIT")
        answers = [arriving.result(20).status_code, leaving.result(20).status_code]
    lock.close()

    assert answers == [200, 200]
    assert world.session().publisher is None


def test_a_publisher_is_held_no_longer_than_asked(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60", HOLD_SECONDS="0.4")
    world.add_channel()
    world.start(nginx=False)
    answer = world.call("publish", sign=world.sign())
    event = world.journal.expect("publish_accepted")

    assert answer.status_code == 200
    assert 400 <= event["held_ms"] < 1000
    assert not event["listening"]


def test_a_held_publisher_is_let_in_when_its_worker_plays(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60", HOLD_SECONDS="5")
    world.add_channel()
    world.start(nginx=False)
    with ThreadPoolExecutor(1) as pool:
        arriving = pool.submit(world.call, "publish", sign=world.sign())
        world.until(lambda: bool(world.launcher.orders), "the worker is launched")
        session = world.session()
        world.call("play", client_id=2, session=session.id, token=session.pull_token.reveal())
        arriving.result(20)
    publisher = world.session().publisher

    assert publisher is not None
    assert publisher.listening
    assert world.journal.expect("publish_accepted")["held_ms"] < 4000


def test_a_publisher_that_returns_to_a_pulling_worker_is_not_held(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60", HOLD_SECONDS="5")
    world.add_channel()
    world.start(nginx=False)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.call, "publish", sign=world.sign())
        world.until(lambda: bool(world.launcher.orders), "the worker is launched")
        session = world.session()
        pull = {"session": session.id, "token": session.pull_token.reveal()}
        world.call("play", client_id=2, **pull)
        first.result(20)
    world.call("publish_done")
    world.call("play_done", client_id=2)
    world.call("play", client_id=3, **pull)
    world.call("publish", client_id=4, sign=world.sign())
    publisher = world.session().publisher

    assert publisher is not None
    assert publisher.listening
    assert world.journal.all("publish_accepted")[-1]["held_ms"] < 1000


def test_a_pull_that_ends_with_its_publisher_does_not_count_for_one_that_returns_at_once(app_alone: World) -> None:
    app_alone.call("publish", sign=app_alone.sign())
    session = app_alone.session()
    app_alone.call("play", client_id=2, session=session.id, token=session.pull_token.reveal())
    app_alone.call("publish_done")
    app_alone.call("publish", client_id=3, sign=app_alone.sign())  # before the worker's ffmpeg has closed its pull
    publisher = app_alone.session().publisher

    assert publisher is not None
    assert not publisher.listening


def test_a_publisher_is_refused_with_503_while_state_is_away(app_alone: World) -> None:
    app_alone.break_state()
    answer = app_alone.call("publish", sign=app_alone.sign())
    event = app_alone.journal.expect("publish_refused")

    assert answer.status_code == 503
    assert event["reason"] == "state_unavailable"


def test_a_player_is_refused_with_503_while_state_is_away(app_alone: World) -> None:
    app_alone.break_state()

    assert app_alone.call("play", session="x", token="y").status_code == 503


def test_a_departure_that_cannot_be_recorded_is_logged(app_alone: World) -> None:
    app_alone.break_state()

    assert app_alone.call("publish_done").status_code == 503
    assert app_alone.journal.expect("departure_not_recorded", channel="camera")


def test_what_nobody_asks_for_is_absent(app_alone: World) -> None:
    paths = ["/hooks/boot/update", "/hooks/publish", "/hooks/a/b/publish", "/", "/docs", "/stat", "/channels/camera"]
    answers = {path: app_alone.http.post(path).status_code for path in paths}

    assert set(answers.values()) == {404}, answers
