"""The topic: events as messages of Kafka, in the structured mode of CloudEvents' Kafka binding.

Structured, so that every sink carries the same bytes: a consumer that moves from a webhook to Kafka reads on.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.event import MEDIA_TYPE, Event
from services.domain.subscriber import Subscriber

DELIVERY_SECONDS = 10.0
_REPORT_SECONDS = 2.0  # by which a report may be later than the deadline
_POLL_SECONDS = 0.5  # how long the thread of reports waits before it looks whether it shall end
_CLOSE_SECONDS = 2.0
_WAITING_MAX = 10_000  # messages

_REFUSED = frozenset(
    {
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError._INVALID_ARG,  # noqa: SLF001 - how the library names its own codes
    }
)

log = logging.getLogger(__name__)


class _Report:
    """Waits for what the brokers say of one message."""

    def __init__(self) -> None:
        self._said = threading.Event()
        self._error: KafkaError | None = None

    def deliver(self, error: KafkaError | None, _message: Message) -> None:
        self._error = error
        self._said.set()

    def wait(self, seconds: float) -> KafkaError | None:
        if not self._said.wait(seconds):
            raise SinkUnavailable(f"Kafka: no broker took it within {seconds:g} s")
        return self._error


class KafkaSink:
    """Produces to one topic, keyed by stream, so that each stream's order holds within its partition."""

    def __init__(self, subscriber: Subscriber, *, delivery_seconds: float = DELIVERY_SECONDS) -> None:
        """Connect in the background: brokers that are away are noticed when something is sent."""
        brokers = urlsplit(subscriber.url)
        self._topic = brokers.path.lstrip("/")
        self._seconds = delivery_seconds
        self._configuration = _configuration(brokers.netloc, subscriber, delivery_seconds)
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        self._closed = threading.Event()
        self._reports = threading.Thread(target=self._serve_reports, name=f"kafka {subscriber.name}", daemon=True)

    def send(self, event: Event, body: bytes) -> None:
        """Produce one event and wait for all in-sync replicas to have it; raise SinkUnavailable or SinkRefused."""
        report = _Report()
        try:
            self._ready().produce(
                self._topic,
                value=body,
                key=event.stream.encode(),
                headers={"content-type": f"{MEDIA_TYPE}; charset=utf-8".encode()},
                on_delivery=report.deliver,
            )
        except BufferError as error:
            raise SinkUnavailable("Kafka: too many messages wait") from error
        except KafkaException as error:
            self._judge(error.args[0])
        error_reported = report.wait(self._seconds + _REPORT_SECONDS)
        if error_reported is not None:
            self._judge(error_reported)

    def _judge(self, error: KafkaError) -> None:
        """Raise what an error means; after a fatal one a new producer is made for the next event."""
        if error.fatal():
            with self._lock:
                self._producer = None
        kind = SinkRefused if error.code() in _REFUSED else SinkUnavailable
        raise kind(f"Kafka: {error.str()}")

    def _ready(self) -> Producer:
        with self._lock:
            if self._closed.is_set():
                raise SinkUnavailable("Kafka: the sink was closed")
            if self._producer is None:
                self._producer = self._made()
                if not self._reports.is_alive():
                    self._reports.start()
            return self._producer

    def _made(self) -> Producer:
        try:
            return Producer({**self._configuration, "logger": log})
        except KafkaException as error:
            raise SinkUnavailable(f"Kafka: its options cannot be used: {error.args[0].str()}") from error

    def _serve_reports(self) -> None:
        """Hand reports to those who wait; the library calls nobody by itself."""
        while not self._closed.is_set():
            producer = self._producer
            if producer is None:
                self._closed.wait(_POLL_SECONDS)
            else:
                producer.poll(_POLL_SECONDS)

    def close(self) -> None:
        """Wait a moment for what is under way, and give up what is not taken."""
        self._closed.set()
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.flush(_CLOSE_SECONDS)
            with contextlib.suppress(KafkaException):
                producer.purge()
            producer.flush(0)
        if self._reports.is_alive():
            self._reports.join(_POLL_SECONDS + _CLOSE_SECONDS)


def _configuration(brokers: str, subscriber: Subscriber, delivery_seconds: float) -> Mapping[str, Any]:
    own = {
        "bootstrap.servers": brokers,
        "enable.idempotence": True,  # with acks=all and order kept over retries
        "acks": "all",
        "message.timeout.ms": int(delivery_seconds * 1000),
        "socket.timeout.ms": int(delivery_seconds * 1000),
        "request.timeout.ms": int(delivery_seconds * 500),
        "reconnect.backoff.max.ms": 2_000,  # the dispatcher waits long enough between its tries
        "linger.ms": 0,  # each sender waits for its own report: there is nothing to gather
        "queue.buffering.max.messages": _WAITING_MAX,
        "log_level": 2,  # what goes wrong is in the reports; its own log repeats it with each attempt to connect
    }
    return {"client.id": "streamkeep", **{name: each.reveal() for name, each in subscriber.options.items()}, **own}
