"""What AWS answers besides what was asked, and how often it may be asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
VCPUS = "You've reached the limit on the number of vCPUs you can run concurrently"


class Answer(Exception):
    """What a call answers instead of what was asked: AWS's status, code and message."""

    def __init__(self, status: int, code: str, message: str, **fields: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(code)
        self.status = status
        self.body: dict[str, Any] = {"__type": code, "message": message, **fields}


def throttled() -> Answer:
    return Answer(400, "ThrottlingException", "Rate exceeded")


def server_error() -> Answer:
    return Answer(500, "ServerException", "Service Unavailable. Please try again later.")


@dataclass(slots=True)
class Bucket:
    """A bucket of tokens, as AWS limits calls."""

    capacity: float
    per_second: float
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.capacity

    def take(self, now: float) -> bool:
        self.left = min(self.capacity, self.left + max(0.0, now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def limits() -> dict[str, Bucket]:
    """Give the buckets of one account in one region, by operation."""
    reading = Bucket(100, 20)
    return {
        "RunTask": Bucket(20, 20),
        "launches": Bucket(100, 20),
        "StopTask": Bucket(40, 20),
        "ListTasks": reading,
        "DescribeTasks": reading,
    }
