"""What one kind of sink promises besides the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from services.adapters.address_guard import AddressGuard
from services.adapters.kafka_sink import KafkaSink
from services.adapters.log_sink import LogSink
from services.adapters.sqs_sink import SqsSink
from services.adapters.webhook_sink import GONE_SECONDS, WebhookSink
from services.domain.clock import SystemClock
from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.event import SNAPSHOT_CREATED, Event, envelope
from services.domain.secrets import Secret
from services.domain.sink import Sink, body_of
from services.domain.subscriber import Subscriber
from tests.contract.sink_worlds import LOOPBACK, SqsWorld, sink_world
from tests.doubles.brokers import Brokers
from tests.doubles.receiver import Receiver
from tests.examples import NOW

NEW, OLD = "whsec_" + "bmV3" * 10, "whsec_" + "b2xk" * 10
DEADLINE_SECONDS = 0.5
AN_EVENT = Event(
    id="event-1", type=SNAPSHOT_CREATED, channel_id="channel-1", session_id="session-1", sequence=1, at=NOW
)


def sent(sink: Sink, **data: object) -> bytes:
    body = body_of(envelope(AN_EVENT, data))
    sink.send(AN_EVENT, body)
    return body


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@contextmanager
def a_webhook(receiver: Receiver, *secrets: str, guard: AddressGuard = LOOPBACK) -> Iterator[WebhookSink]:
    subscriber = Subscriber(name="hook", url=receiver.url, secrets=tuple(map(Secret, secrets)))
    with closing(WebhookSink(subscriber, guard, SystemClock(), total_seconds=DEADLINE_SECONDS)) as sink:
        yield sink


@pytest.mark.parametrize("known", [NEW, OLD])
def test_a_receiver_that_knows_either_secret_can_verify_what_it_is_sent(receiver: Receiver, known: str) -> None:
    with a_webhook(receiver, NEW, OLD) as sink:
        sent(sink, text="Grüße")

    (taken,) = receiver.taken
    assert Webhook(known).verify(taken.body, taken.headers)["id"] == "event-1"
    assert taken.headers["content-type"].startswith("application/cloudevents+json")
    assert taken.path == "/events?of=streamkeep"


def test_one_connection_carries_one_event_after_another(receiver: Receiver) -> None:
    with a_webhook(receiver) as sink:
        sent(sink)
        sent(sink)

    assert len({each.port for each in receiver.taken}) == 1


@pytest.mark.parametrize("way", ["hang", "drip", "drop", 500, 503, 429, 408])
def test_what_may_pass_is_to_be_tried_again(receiver: Receiver, way: int | str) -> None:
    receiver.behave(way)

    with a_webhook(receiver) as sink, pytest.raises(SinkUnavailable):
        sent(sink)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
def test_what_will_not_pass_is_refused(receiver: Receiver, status: int) -> None:
    receiver.behave(status, Location=receiver.url)

    with a_webhook(receiver) as sink, pytest.raises(SinkRefused, match=str(status)):
        sent(sink)

    assert len(receiver.tried) == 1  # a redirect is not followed


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [("7", 7, 7), ("99999999999", 300, 300), (format_datetime(datetime.now().astimezone() + timedelta(60)), 300, 300)],
    ids=["seconds", "too many seconds", "a date"],  # that of today must not stand in a name
)
def test_a_receiver_says_when_it_wants_to_be_asked_again(
    receiver: Receiver, told: str, least: float, most: float
) -> None:
    receiver.behave(429, Retry_After=told)

    with a_webhook(receiver) as sink, pytest.raises(SinkUnavailable) as refusal:
        sent(sink)

    assert refusal.value.retry_after is not None
    assert least <= refusal.value.retry_after <= most


def test_a_receiver_that_is_gone_for_good_is_left_alone_for_long(receiver: Receiver) -> None:
    receiver.behave(410, Retry_After="1")

    with a_webhook(receiver) as sink, pytest.raises(SinkUnavailable, match="410") as refusal:
        sent(sink)

    assert refusal.value.retry_after == GONE_SECONDS


def test_an_address_inside_is_not_connected_to_for_a_stranger(receiver: Receiver) -> None:
    with (
        a_webhook(receiver, guard=AddressGuard()) as sink,
        pytest.raises(SinkUnavailable, match="STREAMKEEP_ALLOWED_NETWORKS"),
    ):
        sent(sink)

    assert not receiver.tried


def test_an_event_too_large_for_a_queue_is_refused(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with sink_world("sqs", tmp_path, request) as world, pytest.raises(SinkRefused, match="262,144"):
        sent(world.sink, text="a" * 262_144)


def test_a_queue_message_names_its_stream_and_type(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with sink_world("sqs", tmp_path, request) as world:
        assert isinstance(world, SqsWorld)
        sent(world.sink)
        sent(world.sink)  # again, as after an answer that was lost

        (message,) = world.messages("event-1")

    assert message["MessageAttributes"]["type"]["StringValue"] == "snapshot.created"


def test_a_queue_that_is_not_there_yet_is_waited_for(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with sink_world("sqs", tmp_path, request):
        sink = SqsSink(Subscriber(name="queue", url="sqs://not-made-yet"))
        with pytest.raises(SinkUnavailable):
            sent(sink)
        sink.close()


def test_messages_of_a_stream_have_its_name_as_their_key() -> None:
    with Brokers() as brokers:
        sink = KafkaSink(Subscriber(name="topic", url=brokers.url("events")), delivery_seconds=5)
        sent(sink)
        (message,) = brokers.read("events", "event-1")
        sink.close()

    assert message.key() == b"session/session-1"
    assert dict(message.headers() or ())["content-type"] == b"application/cloudevents+json; charset=utf-8"


def test_brokers_that_are_nowhere_are_unavailable() -> None:
    sink = KafkaSink(Subscriber(name="topic", url="kafka://127.0.0.1:9/events"), delivery_seconds=DEADLINE_SECONDS)

    with pytest.raises(SinkUnavailable):
        sent(sink)

    sink.close()


def test_options_that_the_library_does_not_take_are_told_and_no_event_is_given_up() -> None:
    wrong = {"security.protocol": Secret("nonsense")}
    sink = KafkaSink(Subscriber(name="topic", url="kafka://127.0.0.1:9/events", options=wrong))

    with pytest.raises(SinkUnavailable, match=r"options.*security.protocol"):
        sent(sink)

    sink.close()


def test_the_log_is_cut_into_two_files_before_it_fills_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = LogSink(Subscriber(name="log", url=f"log:{path}"), bytes_max=1_000)
    lines = [sent(sink, text="a" * 200) for _ in range(7)]
    sink.close()

    kept = (tmp_path / "events.jsonl.1").read_bytes() + path.read_bytes()
    assert path.stat().st_size <= 1_000
    assert kept.splitlines() == lines[-len(kept.splitlines()) :]
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text().splitlines()[-1])["id"] == "event-1"
