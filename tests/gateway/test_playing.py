from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.packets import first_video_packet, video_packets
from tests.gateway.world import World


@pytest.fixture
def pulling(new_world: Callable[..., World]) -> Iterator[World]:
    """A gateway whose workers pull, with time to wait for them."""
    world = new_world(HOLD_SECONDS="5")
    world.add_channel()
    world.pull_with_workers()
    world.start()
    yield world
    world.close()


def test_the_sessions_worker_plays_and_nothing_the_publisher_sent_is_missing(pulling: World, media: Path) -> None:
    pulling.publisher()
    session = pulling.until_on_air()
    accepted = pulling.journal.expect("publish_accepted", session=session.id)
    received = pulling.received(session, at_least=60)
    sent = video_packets(media)

    assert accepted["listening"]
    assert session.publisher is not None
    assert session.publisher.listening
    assert received[:60] == sent[:60]


def test_a_worker_that_listens_a_second_late_still_gets_the_first_keyframe(pulling: World, media: Path) -> None:
    pulling.launcher.gate.clear()
    pulling.publisher()
    pulling.until(lambda: pulling.launcher.most_at_once == 1, "the launch is under way")
    pulling.after(1.0, pulling.launcher.gate.set)
    session = pulling.until_on_air()
    accepted = pulling.journal.expect("publish_accepted", session=session.id)

    assert accepted["held_ms"] >= 1000
    assert accepted["listening"]
    assert pulling.received(session, at_least=1)[0] == first_video_packet(media)


def test_a_publisher_whose_worker_does_not_come_goes_on_air_after_the_hold(new_world: Callable[..., World]) -> None:
    world = new_world()
    world.variables.pop("STREAMKEEP_HOLD_SECONDS")
    world.read_settings()
    world.add_channel()
    world.start()
    publisher = world.publisher()
    session = world.until_on_air()
    accepted = world.journal.expect("publish_accepted")

    assert publisher.is_running
    assert 1500 <= accepted["held_ms"] < 2500
    assert not accepted["listening"]
    assert session.publisher is not None
    assert not session.publisher.listening


def test_a_publisher_that_returns_finds_the_worker_listening_again(pulling: World, media: Path) -> None:
    first = pulling.publisher()
    session = pulling.until_on_air()
    pulling.received(session, at_least=1)
    first.leave()
    pulling.until_interrupted()
    pulling.publisher()
    resumed = pulling.until_on_air()

    assert resumed.id == session.id
    assert resumed.publisher is not None
    assert resumed.publisher.listening
    assert pulling.received(session, at_least=1, pull=2)[0] == first_video_packet(media)


@pytest.mark.parametrize("token", [None, "wrong", "a" * 3000])
def test_a_stranger_cannot_play(world: World, token: str | None) -> None:
    world.publisher()
    session = world.until_on_air()
    query = {} if token is None else {"session": session.id, "token": token}
    player = world.player("camera", **query)

    assert player.exit_code() != 0
    assert world.journal.expect("play_refused", channel="camera")


def test_the_token_of_another_session_does_not_play(world: World) -> None:
    world.add_channel("other")
    world.publisher()
    world.publisher(world.key("other"))
    world.until_on_air()
    other = world.until_on_air("other")
    player = world.player("camera", session=other.id, token=other.pull_token.reveal())

    assert player.exit_code() != 0
    assert world.journal.expect("play_refused", channel="camera")


def test_the_sessions_own_token_plays(world: World) -> None:
    world.publisher()
    session = world.until_on_air()
    player = world.player("camera", session=session.id, token=session.pull_token.reveal())

    assert player.exit_code() == 0


def test_nobody_plays_while_the_callback_app_is_away(world: World) -> None:
    world.publisher()
    session = world.until_on_air()
    world.served.stop()
    player = world.player("camera", session=session.id, token=session.pull_token.reveal())

    assert player.exit_code() != 0
