"""Every sink's world: where what was sent can be read back, and what can be away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import boto3
import pytest

from services.adapters.address_guard import AddressGuard
from services.adapters.kafka_sink import KafkaSink
from services.adapters.log_sink import LogSink
from services.adapters.sqs_sink import SqsSink
from services.adapters.webhook_sink import WebhookSink
from services.domain.addresses import networks
from services.domain.clock import SystemClock
from services.domain.sink import Sink
from services.domain.subscriber import Subscriber
from tests.doubles.brokers import Brokers, envelope
from tests.doubles.receiver import Receiver
from tests.emulators import CREDENTIALS, Emulators
from tests.fault.proxy import FaultProxy

DEADLINE_SECONDS = 1.0  # of the sinks in tests
KAFKA_SECONDS = 3.0  # of a topic, which is made at its first event
LOOPBACK = AddressGuard(networks("127.0.0.0/8"))


class SinkWorld(Protocol):
    """A sink of its own, empty, and its receiving end."""

    sink: Sink

    def received(self, last: str) -> list[dict[str, Any]]:
        """Give the envelopes of what arrived, in order, once an event of that id has."""
        ...

    def go_away(self) -> None:
        """Let the receiving end hang."""
        ...

    def come_back(self) -> None: ...


class WebhookWorld:
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        subscriber = Subscriber(name="hook", url=receiver.url)
        self.sink: Sink = WebhookSink(subscriber, LOOPBACK, SystemClock(), total_seconds=DEADLINE_SECONDS)

    def received(self, last: str) -> list[dict[str, Any]]:
        self.receiver.until(last)
        return [each.envelope for each in self.receiver.taken]

    def go_away(self) -> None:
        self.receiver.behave("hang")

    def come_back(self) -> None:
        self.receiver.behave(200)


class SqsWorld:
    """A FIFO queue: a standard one promises no order."""

    _number = 0

    def __init__(self, proxy: FaultProxy) -> None:
        SqsWorld._number += 1
        self._proxy = proxy
        self._client = boto3.client("sqs", region_name=CREDENTIALS["AWS_REGION"])
        name = f"events-{os.getpid()}-{SqsWorld._number}.fifo"
        self.queue = self._client.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.sink: Sink = SqsSink(Subscriber(name="queue", url=f"sqs://{name}"), read_seconds=DEADLINE_SECONDS)

    def messages(self, last: str) -> list[Any]:
        found: list[Any] = []
        while last not in (json.loads(each["Body"])["id"] for each in found):
            told = self._client.receive_message(
                QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=2, MessageAttributeNames=["All"]
            )
            batch = told.get("Messages", [])
            assert batch, f"{last} is not among {len(found)} messages"
            for message in batch:
                self._client.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            found += batch
        return found

    def received(self, last: str) -> list[dict[str, Any]]:
        return [json.loads(each["Body"]) for each in self.messages(last)]

    def go_away(self) -> None:
        self._proxy.fail("hang")

    def come_back(self) -> None:
        self._proxy.heal()


class KafkaWorld:
    _number = 0

    def __init__(self, brokers: Brokers) -> None:
        KafkaWorld._number += 1
        self.brokers = brokers
        self.topic = f"events-{KafkaWorld._number}"
        subscriber = Subscriber(name="topic", url=brokers.url(self.topic))
        self.sink: Sink = KafkaSink(subscriber, delivery_seconds=KAFKA_SECONDS)

    def received(self, last: str) -> list[dict[str, Any]]:
        return [envelope(message) for message in self.brokers.read(self.topic, last)]

    def go_away(self) -> None:
        self.brokers.stop()

    def come_back(self) -> None:
        self.brokers.go_on()


class LogWorld:
    """The file; while it is away, a folder stands in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sink: Sink = LogSink(Subscriber(name="log", url=f"log:{path}"))

    def received(self, last: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.path.read_text().splitlines()]
        assert last in [each["id"] for each in found]
        return found

    def go_away(self) -> None:
        if self.path.exists():
            self.path.rename(self.path.with_suffix(".kept"))
        self.path.mkdir()

    def come_back(self) -> None:
        self.path.rmdir()
        kept = self.path.with_suffix(".kept")
        if kept.exists():
            kept.rename(self.path)


@contextmanager
def sink_world(name: str, place: Path, request: pytest.FixtureRequest) -> Iterator[SinkWorld]:
    if name == "webhook":
        with Receiver() as receiver:
            yield WebhookWorld(receiver)
    elif name == "sqs":
        yield from _sqs(request)
    elif name == "kafka":
        brokers = request.getfixturevalue("brokers")
        yield KafkaWorld(brokers)
        brokers.go_on()  # they are shared: what fails while they are away must not fail the next test too
    else:
        yield LogWorld(place / "events.jsonl")


def _sqs(request: pytest.FixtureRequest) -> Iterator[SinkWorld]:
    emulators: Emulators = request.getfixturevalue("emulators")
    monkeypatch = request.getfixturevalue("monkeypatch")
    with FaultProxy(emulators.url("ministack")) as proxy:
        for variable, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": proxy.url}.items():
            monkeypatch.setenv(variable, value)
        yield SqsWorld(proxy)
