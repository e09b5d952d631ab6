"""What ECS tells of its tasks: EventBridge's envelopes in a queue of SQS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.adapters import aws_client, aws_errors
from services.domain.errors import PlatformUnavailable
from services.domain.task_news import Heard

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef, MessageTypeDef

SERVICE = "SQS"
DETAIL_TYPE = "ECS Task State Change"
WAIT_SECONDS = 20  # the most that SQS waits
MESSAGES = 10  # the most that one call gives
CONNECT_SECONDS = 3.0
READ_SECONDS = WAIT_SECONDS + 5.0


def is_change(body: str) -> bool:
    """Say whether a message tells that a task has changed."""
    try:
        envelope = json.loads(body)
        return bool(envelope["detail-type"] == DETAIL_TYPE and str(envelope["detail"]["taskArn"]))
    except (ValueError, LookupError, TypeError):
        return False


class SqsTaskNews:
    """Takes messages from one queue; what cannot be read is taken as well, or it would come again for days."""

    def __init__(self, url: str, *, wait_seconds: int = WAIT_SECONDS) -> None:
        """Ask nothing yet."""
        self._url = url
        self._wait_seconds = wait_seconds
        how = aws_client.config(connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS)
        self._client: aws_client.LateClient[SQSClient] = aws_client.LateClient(
            lambda: aws_client.made("SQS", how, PlatformUnavailable)
        )

    def wait(self) -> Heard:
        """Wait for messages and take them; raise PlatformUnavailable."""
        with aws_errors.translated(PlatformUnavailable, "SQS", {}, service=SERVICE):
            answer = self._client.api.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=MESSAGES, WaitTimeSeconds=self._wait_seconds
            )
            messages = answer.get("Messages", [])
            self._take(messages)
        changed = sum(is_change(message.get("Body", "")) for message in messages)
        return Heard(changed=changed, malformed=len(messages) - changed)

    def _take(self, messages: Sequence[MessageTypeDef]) -> None:
        """Delete them before anything follows: the sweep that follows sees all, and another would only see it again."""
        if messages:
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)
            ]
            self._client.api.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def close(self) -> None:
        """Close the connections, if there ever were any."""
        self._client.close()
