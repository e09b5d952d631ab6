"""The contract of sinks, over each one's own protocol."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from services.domain.errors import SinkUnavailable
from services.domain.event import SNAPSHOT_CREATED, Event, envelope
from services.domain.sink import body_of
from tests.contract.sink_worlds import KAFKA_SECONDS, SinkWorld, sink_world
from tests.doubles.brokers import Brokers
from tests.examples import NOW
from tests.waiting import eventually

WORLDS = ("kafka", "log", "sqs", "webhook")
LATEST_SECONDS = KAFKA_SECONDS + 4.0  # what a sink may take on a busy machine to say that it is dead


@pytest.fixture(scope="session")
def brokers() -> Iterator[Brokers]:
    with Brokers() as brokers:
        yield brokers


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkWorld]:
    with sink_world(request.param, tmp_path, request) as world:
        yield world
        world.sink.close()


def an_event(number: int = 1, **data: object) -> Event:
    return Event(
        id=f"event-{number}",
        type=SNAPSHOT_CREATED,
        channel_id="channel-1",
        session_id="session-1",
        sequence=number,
        at=NOW + timedelta(seconds=number),
        data=data,
    )


def sent(world: SinkWorld, event: Event) -> dict[str, object]:
    told = envelope(event)
    world.sink.send(event, body_of(told))
    return told


def is_taken(world: SinkWorld, event: Event) -> bool:
    try:
        sent(world, event)
    except SinkUnavailable:
        return False
    return True


def test_events_arrive_whole_and_in_order(world: SinkWorld) -> None:
    told = [sent(world, an_event(number, flags=["black"])) for number in range(1, 21)]

    assert world.received("event-20") == told


def test_text_of_any_language_arrives_as_it_was(world: SinkWorld) -> None:
    told = sent(world, an_event(labels={"Straße": "日本 🎥 \u0007\uffff", "quote": '"\\\n'}))

    assert world.received("event-1") == [told]


def test_a_large_event_arrives_whole(world: SinkWorld) -> None:
    told = sent(world, an_event(text="0123456789" * 20_000))

    assert world.received("event-1") == [told]


def test_a_sink_that_is_away_says_so_in_time_and_takes_events_when_it_is_back(world: SinkWorld) -> None:
    sent(world, an_event(1))
    world.go_away()
    began = time.monotonic()

    with pytest.raises(SinkUnavailable):
        sent(world, an_event(2))

    assert time.monotonic() - began < LATEST_SECONDS
    world.come_back()
    eventually(lambda: is_taken(world, an_event(2)), within=15, what="the sink is back")
    sent(world, an_event(3))
    arrived = [each["id"] for each in world.received("event-3")]
    assert list(dict.fromkeys(arrived)) == ["event-1", "event-2", "event-3"]  # at least once, in order


def test_a_closed_sink_leaves_no_thread_and_no_connection(world: SinkWorld) -> None:
    sent(world, an_event(1))
    threads = threading.active_count()
    sockets = len(psutil.Process().net_connections())

    world.sink.close()

    assert threading.active_count() <= threads
    assert not [each.name for each in threading.enumerate() if each.name.startswith("kafka")]
    assert len(psutil.Process().net_connections()) <= sockets
