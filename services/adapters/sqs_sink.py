"""The queue: events as messages of SQS."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ParamValidationError

from services.adapters import aws_client, aws_errors
from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.event import MEDIA_TYPE, Event
from services.domain.subscriber import Subscriber

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SERVICE = "SQS"
CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
MESSAGE_BYTES_MAX = 256 * 1024  # body and attributes together
CONNECTIONS = 16
_FIFO = ".fifo"
_BY_NAME = "sqs://"

_REFUSED = (
    "BatchRequestTooLong",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "MessageTooLong",
    "UnsupportedOperation",
)
# Who runs the deployment makes the queue: until then events wait.
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_CODES = {**dict.fromkeys(_REFUSED, SinkRefused), **dict.fromkeys(_NO_QUEUE, SinkUnavailable)}


class SqsSink:
    """Sends to one queue; a FIFO queue (its name ends with .fifo) keeps each stream's order."""

    def __init__(self, subscriber: Subscriber, *, read_seconds: float = READ_SECONDS) -> None:
        """Ask nothing yet."""
        self._url = subscriber.url
        how = aws_client.config(connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds, connections=CONNECTIONS)
        self._client: aws_client.LateClient[SQSClient] = aws_client.LateClient(
            lambda: aws_client.made("SQS", how, SinkUnavailable)
        )

    @cached_property
    def _queue(self) -> str:
        if not self._url.startswith(_BY_NAME):
            return self._url.partition(":")[2]
        return self._client.api.get_queue_url(QueueName=self._url.removeprefix(_BY_NAME))["QueueUrl"]

    def send(self, event: Event, body: bytes) -> None:
        """Send one event; raise SinkUnavailable or SinkRefused."""
        message = self._message(event, body)
        try:
            with aws_errors.translated(SinkUnavailable, "SQS", _CODES, service=SERVICE):
                self._client.api.send_message(QueueUrl=self._queue, **message)
        except ParamValidationError as error:
            raise SinkRefused(f"SQS: {error}") from error

    def _message(self, event: Event, body: bytes) -> dict[str, Any]:
        attributes = {"content-type": MEDIA_TYPE, "type": event.type, "channel_id": event.channel_id}
        size = len(body) + sum(len(name) + len(value) + len("String") for name, value in attributes.items())
        if size > MESSAGE_BYTES_MAX:
            raise SinkRefused(f"SQS: the event takes {size:,} bytes, a message {MESSAGE_BYTES_MAX:,}")
        message: dict[str, Any] = {
            "MessageBody": body.decode(),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        }
        if self._url.endswith(_FIFO):
            message["MessageGroupId"] = event.stream
            message["MessageDeduplicationId"] = hashlib.sha256(event.id.encode()).hexdigest()
        return message

    def close(self) -> None:
        """Close the connections, if there ever were any."""
        self._client.close()
