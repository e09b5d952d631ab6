"""A publisher with the right key comes while another connection is on air."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.domain.admission import LEAST_TENURE
from services.domain.session import Session
from services.gateway.contest import SILENT_SECONDS
from tests.gateway.packets import first_video_packet
from tests.gateway.publisher import Publisher
from tests.gateway.world import World
from tests.rtmp import AUDIO, Connection, Refused, Tag
from tests.waiting import eventually

SOUND = Tag(AUDIO, 0, bytes.fromhex("af0121"))
PROMPT_SECONDS = 1.0
"""More than an answer takes on a busy machine; a dead connection alone is noticed by nginx after 6."""


@pytest.fixture
def pulling(new_world: Callable[..., World]) -> Iterator[World]:
    """A gateway whose workers pull, with time to wait for them."""
    world = new_world(HOLD_SECONDS="5")
    world.pull_with_workers()
    yield world
    world.close()


def on_air(world: World, **channel: str) -> tuple[Publisher, Session]:
    """Let a first publisher on air, that is seen to send."""
    world.add_channel(**channel)
    world.start()
    first = world.publisher()
    session = world.until_on_air()
    world.until(lambda: world.streams()["camera"].bytes_in > 0, "the first sends")
    return first, session


def silent_for(world: World, session: Session, seconds: float) -> None:
    """Wait until the session's publisher is known to have sent nothing for so long."""
    publisher = session.publisher
    assert publisher is not None

    def look() -> bool:
        heard_at = world.served.app.pulse.heard_at(publisher)
        return heard_at is not None and time.monotonic() - heard_at >= seconds

    eventually(look, what=f"silence for {seconds:g} s")


def arrive(world: World, key: str | None = None) -> float:
    """Publish, sending nothing yet; give the seconds until that was accepted, or raise Refused."""
    began = time.monotonic()
    with Connection(f"{world.nginx.rtmp_url}/{key or world.key()}"):
        return time.monotonic() - began


def refused_after(world: World, key: str | None = None) -> float:
    """Publish and be refused; give after how many seconds."""
    began = time.monotonic()
    with pytest.raises(Refused):
        arrive(world, key)
    return time.monotonic() - began


def test_a_connection_that_was_silent_for_a_while_makes_way_at_once(new_world: Callable[..., World]) -> None:
    world = new_world()
    first, session = on_air(world)
    first.freeze()
    silent_for(world, session, SILENT_SECONDS)

    assert arrive(world) < PROMPT_SECONDS


def test_a_connection_that_has_just_fallen_silent_makes_way_after_two_seconds(new_world: Callable[..., World]) -> None:
    world = new_world()
    first, _ = on_air(world)
    first.freeze()

    assert arrive(world) < SILENT_SECONDS + PROMPT_SECONDS


def test_who_returns_in_place_of_a_dead_connection_goes_on_in_the_same_session(pulling: World, media: Path) -> None:
    first, session = on_air(pulling)
    pulling.received(session, at_least=1)
    first.freeze()
    pulling.publisher()
    dropped = pulling.journal.expect("dead_publisher_dropped", session=session.id)
    pulling.until(lambda: len(pulling.journal.all("publish_accepted", session=session.id)) == 2, "it is back")

    assert dropped["silent_seconds"] >= SILENT_SECONDS
    assert pulling.journal.all("publish_accepted")[-1]["listening"]
    assert pulling.received(session, at_least=1, pull=2)[0] == first_video_packet(media)


def test_what_nginx_tells_late_of_the_dead_connection_does_not_end_the_new_one(new_world: Callable[..., World]) -> None:
    world = new_world()
    first, session = on_air(world)
    first.freeze()
    second = world.publisher()
    world.journal.expect("publish_accepted", session=session.id)
    world.until(lambda: world.on_air() not in (None, session.publisher and session.publisher.client_id), "it sends")
    resumed = world.session()
    world.call(
        "publish_done",
        client_id=int(session.publisher.client_id if session.publisher else 0),
        boot=world.nginx.boot(),
    )

    assert resumed.id == session.id
    assert resumed.publisher is not None
    assert resumed.publisher.client_id == world.on_air()
    assert world.session() == resumed
    assert second.is_running


def test_a_publisher_that_sends_is_not_harmed_and_the_second_is_refused_promptly(
    new_world: Callable[..., World],
) -> None:
    world = new_world()
    first, session = on_air(world)
    waits = [refused_after(world) for _ in range(3)]

    assert max(waits) < PROMPT_SECONDS
    assert first.is_running
    assert world.session().publisher == session.publisher
    assert {event["reason"] for event in world.journal.all("publish_refused")} == {"on_air"}
    assert not world.journal.all("dead_publisher_dropped")


def test_a_wrong_key_is_refused_at_once_although_the_connection_on_air_is_dead(
    new_world: Callable[..., World],
) -> None:
    world = new_world()
    first, session = on_air(world)
    first.freeze()
    wait = refused_after(world, world.key()[:-2] + "00")

    assert wait < PROMPT_SECONDS
    assert world.journal.expect("publish_refused")["reason"] == "bad_signature"
    assert session.publisher is not None
    assert world.on_air() == session.publisher.client_id


def test_who_leaves_before_the_silence_is_long_enough_drops_nobody(new_world: Callable[..., World]) -> None:
    world = new_world()
    first, session = on_air(world)
    first.freeze()
    second = world.publisher()
    world.until(lambda: bool(world.served.app.hooks.arrivals._gone), "the second waits")
    second.kill()
    world.journal.expect("publish_refused", reason="on_air")

    assert not world.journal.all("dead_publisher_dropped")
    assert world.session().publisher == session.publisher


def test_of_many_that_return_at_once_one_is_let_in(new_world: Callable[..., World]) -> None:
    world = new_world()
    first, session = on_air(world)
    first.freeze()
    silent_for(world, session, SILENT_SECONDS)
    outcomes: list[bool] = []

    def come() -> None:
        try:
            with Connection(f"{world.nginx.rtmp_url}/{world.key()}") as connection:
                outcomes.append(True)
                give_up_at = time.monotonic() + 10
                while everybody_tried.n_waiting < 3 and time.monotonic() < give_up_at:  # the silent one makes way again
                    connection.send(SOUND)
                    all_refused.wait(0.2)
                everybody_tried.wait(10)
        except Refused:
            outcomes.append(False)
            everybody_tried.wait(10)

    everybody_tried, all_refused = threading.Barrier(4), threading.Event()
    comers = [threading.Thread(target=come) for _ in range(4)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join(15)

    assert sorted(outcomes) == [False, False, False, True]


def test_a_connection_that_nginx_no_longer_knows_is_in_nobodys_way(new_world: Callable[..., World]) -> None:
    world = new_world(SWEEP_SECONDS="60")
    world.add_channel()
    world.start()
    world.call("publish", client_id=77, boot=world.nginx.boot(), sign=world.sign())
    ghost = world.session()

    def is_admitted() -> bool:
        with contextlib.suppress(Refused):
            arrive(world)
            return True
        return False

    eventually(is_admitted, what="let in once the first must have appeared")
    assert world.session().id == ghost.id


def on_air_for_a_while(world: World) -> None:
    """Let the publisher on air have been accepted so long ago that another may take over."""
    session = world.session()
    assert session.publisher is not None
    aged = replace(session.publisher, accepted_at=session.publisher.accepted_at - LEAST_TENURE)
    world.state.sessions.save(session=replace(session, publisher=aged, version=session.version + 1))


def test_a_channel_may_let_a_second_publisher_take_over_from_one_that_sends(pulling: World, media: Path) -> None:
    first, session = on_air(pulling, second_publisher="takeover")
    pulling.received(session, at_least=1)
    on_air_for_a_while(pulling)
    second = pulling.publisher()
    pulling.journal.expect("publisher_taken_over", session=session.id)

    assert first.exit_code() != 0
    assert pulling.received(session, at_least=1, pull=2)[0] == first_video_packet(media)
    assert second.is_running
    assert pulling.session().id == session.id


def test_two_that_fight_for_a_channel_cannot_take_over_faster_than_every_five_seconds(
    new_world: Callable[..., World],
) -> None:
    world = new_world()
    on_air(world, second_publisher="takeover")
    on_air_for_a_while(world)
    second = world.publisher()
    world.journal.expect("publisher_taken_over")
    world.until_on_air()
    world.until(lambda: world.streams()["camera"].bytes_in > 0, "the second sends")
    for _ in range(3):
        refused_after(world)
    stood = second.is_running
    on_air_for_a_while(world)
    arrive(world)

    assert stood
    assert len(world.journal.all("publisher_taken_over")) == 2


def test_the_owner_sees_that_a_second_publisher_was_refused_without_a_write_for_each(
    new_world: Callable[..., World],
) -> None:
    world = new_world()
    _, session = on_air(world)
    refused_after(world)
    world.until(lambda: world.session().turned_away is not None, "it is told")
    told = world.session()
    refused_after(world)
    world.until(lambda: len(world.journal.all("publish_refused")) == 2, "a second refusal")
    world.call("play_done")

    assert told.turned_away is not None
    assert told.turned_away.code == "second_publisher"
    assert "127.0.0.1" in told.turned_away.detail
    assert (told.state, told.publisher) == (session.state, session.publisher)
    assert world.session() == told
