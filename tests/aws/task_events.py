"""What happens to tasks, as EventBridge puts it into a queue."""

from __future__ import annotations

import json
import queue
import threading
import uuid
from types import TracebackType
from typing import Any, Self

import boto3

from tests.doubles.ecs import FakeEcs
from tests.emulators import CREDENTIALS

ENDED: None = None


class TaskEvents:
    """Sends every change of a fake ECS's tasks to an SQS queue at `endpoint` while the block runs."""

    def __init__(self, ecs: FakeEcs, endpoint: str) -> None:
        self._client = boto3.client("sqs", region_name=CREDENTIALS["AWS_REGION"], endpoint_url=endpoint)
        self.url = str(self._client.create_queue(QueueName=f"task-events-{uuid.uuid4().hex}")["QueueUrl"])
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send, name="task events")
        ecs.on_event(self._waiting.put)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(ENDED)
        self._thread.join(10)

    def _send(self) -> None:
        while (event := self._waiting.get()) is not ENDED:
            self._client.send_message(QueueUrl=self.url, MessageBody=json.dumps(event))
