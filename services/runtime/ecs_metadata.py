"""What ECS tells a task about itself: its name, its address, where it runs."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.domain.errors import Unavailable

VARIABLE = "ECS_CONTAINER_METADATA_URI_V4"
"""ECS sets it in each container."""

TIMEOUT_SECONDS = 2.0
_PAUSES = (0.1, 0.3, 1.0)
"""Seconds before the next try: for its first moments a task may have no address yet."""
_BYTES_MAX = 1024 * 1024


class TaskUnknown(Unavailable):
    """ECS does not tell this task who it is: try again, or set STREAMKEEP_ADVERTISED_HOST and STREAMKEEP_ZONE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsTask:
    """A task as ECS describes it to itself; `address` is its private IPv4 address."""

    arn: str
    cluster: str
    address: str
    zone: str

    @property
    def id(self) -> str:
        """Its name for ever: the last part of its ARN."""
        return self.arn.rpartition("/")[2]


def own_task() -> EcsTask | None:
    """Give this process's task, None where it is not run by ECS; it blocks for some seconds at most.

    Raise TaskUnknown where ECS does not answer, or answers without an address.
    """
    base = os.environ.get(VARIABLE)
    if not base:
        return None
    for pause in (*_PAUSES, None):
        try:
            return _read(_fetched(f"{base}/task"))
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            if pause is None:
                raise TaskUnknown(f"{TaskUnknown.__doc__} ({error!r})") from error
            time.sleep(pause)
    raise TaskUnknown


def _fetched(url: str) -> bytes:
    """GET by the standard library's client alone: a worker on its way to its first picture has no time for another."""
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.hostname or "", split.port or 80, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", split.path)
        answer = connection.getresponse()
        body = answer.read(_BYTES_MAX)
    finally:
        connection.close()
    if answer.status != http.client.OK:
        message = f"{answer.status} {answer.reason}"
        raise http.client.HTTPException(message)
    return body


def _read(body: bytes) -> EcsTask:
    told = json.loads(body)
    return EcsTask(
        arn=str(told["TaskARN"]),
        cluster=str(told["Cluster"]),
        address=next(_addresses(told)),
        zone=str(told.get("AvailabilityZone", "")),
    )


def _addresses(told: dict[str, list[dict[str, list[dict[str, list[str]]]]]]) -> Iterator[str]:
    """Give the task's addresses, which all its containers share; raise LookupError at the end, where there is none."""
    for container in told["Containers"]:
        for network in container.get("Networks", []):
            yield from network.get("IPv4Addresses", [])
    message = "no IPv4 address yet"
    raise LookupError(message)
