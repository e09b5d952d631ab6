"""Sinks that can be taken away from a running stack, and what they were told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.doubles.brokers import Brokers
from tests.doubles.receiver import Receiver
from tests.emulators import CREDENTIALS, Emulators
from tests.fault.proxy import FaultProxy
from tests.waiting import eventually

TOPIC, QUEUE = "events", "events.fifo"
_NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class Told:
    """An event as a sink's reader saw it, and when (time.time)."""

    at: float
    envelope: dict[str, Any]


class Hook:
    """A webhook: half of the outage it takes no connection, the other half it takes them and says nothing."""

    name = "webhook"
    back_at = 0.0

    def __init__(self) -> None:
        self._receiver = Receiver()
        self._receiver.up()
        self.url = self._receiver.url
        self.variables: dict[str, str] = {}

    @property
    def told(self) -> list[Told]:
        return [Told(each.at, each.envelope) for each in list(self._receiver.taken)]

    def be_away(self, seconds: float) -> None:
        self._receiver.down()
        _NEVER.wait(seconds / 2)
        self._receiver.behave("hang")
        self._receiver.up()
        _NEVER.wait(seconds / 2)
        self.back_at = time.time()
        self._receiver.behave(200)

    def close(self) -> None:
        self._receiver.__exit__()


class _Read:
    """What a thread reads until it is closed; `back_at` is when the outage was over."""

    back_at = 0.0

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        raise NotImplementedError

    def _hear(self, body: bytes | str) -> None:
        self.told.append(Told(time.time(), json.loads(body)))

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)


class Queue(_Read):
    """A FIFO queue: half of the outage its address is gone, the other half it hangs."""

    name = "sqs"

    def __init__(self, endpoint: str) -> None:
        self._proxy = FaultProxy(endpoint)
        self._proxy.__enter__()
        # Its credentials are those of the emulators, which the environment has.
        self._client = boto3.client("sqs", region_name=CREDENTIALS["AWS_REGION"], endpoint_url=endpoint)
        self._queue = self._client.create_queue(QueueName=QUEUE, Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.url = f"sqs://{QUEUE}"
        self.variables = {**CREDENTIALS, "AWS_ENDPOINT_URL_SQS": self._proxy.url}
        super().__init__()

    def _read(self) -> None:
        while not self._ended.is_set():
            found = self._client.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in found.get("Messages", []):
                self._hear(message["Body"])
                self._client.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])

    def be_away(self, seconds: float) -> None:
        self._proxy.fail("gone")
        _NEVER.wait(seconds / 2)
        self._proxy.heal()
        self._proxy.fail("hang")
        _NEVER.wait(seconds / 2)
        self.back_at = time.time()
        self._proxy.heal()

    def close(self) -> None:
        super().close()
        self._proxy.__exit__()


class Topic(_Read):
    """A topic: during the outage its brokers stand still, with connections open, as in a network that drops all."""

    name = "kafka"

    def __init__(self) -> None:
        self._brokers = Brokers()
        self.url = self._brokers.url(TOPIC)
        self.variables: dict[str, str] = {}
        super().__init__()

    def _read(self) -> None:
        own = {"group.id": "outage", "enable.auto.commit": False, "allow.auto.create.topics": True, "log_level": 2}
        consumer = Consumer({"bootstrap.servers": self._brokers.addresses, **own})
        partitions = eventually(
            lambda: consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions, what="the topic is there"
        )
        consumer.assign([TopicPartition(TOPIC, number, OFFSET_BEGINNING) for number in partitions])
        while not self._ended.is_set():
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                self._hear(message.value() or b"")
        consumer.close()

    def be_away(self, seconds: float) -> None:
        self._brokers.stop()
        _NEVER.wait(seconds)
        self.back_at = time.time()
        self._brokers.go_on()

    def close(self) -> None:
        super().close()
        self._brokers.close()


@contextmanager
def sinks(kind: str) -> Iterator[list[Hook | Queue | Topic]]:
    """Give those asked for, `all` or one."""
    with Emulators() as emulators, ExitStack() as ending:
        made: list[Hook | Queue | Topic] = []
        for name in ("webhook", "sqs", "kafka"):
            if kind in (name, "all"):
                made.append(_made(name, emulators))
                ending.callback(made[-1].close)
        yield made


def _made(name: str, emulators: Emulators) -> Hook | Queue | Topic:
    match name:
        case "webhook":
            return Hook()
        case "sqs":
            return Queue(emulators.url("ministack"))
    return Topic()
