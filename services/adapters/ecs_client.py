"""Makes the client that speaks to ECS, or to what speaks its protocol."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import NoRegionError

from services.adapters import aws_endpoint, ecs_errors
from services.adapters.token_bucket import TokenBucket
from services.domain.errors import LaunchFailed

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
CONNECTIONS = 32
ATTEMPTS = 3
"""Tries of one call: RunTask with the same token is one order, so that a lost answer starts no second task."""
WAIT_SECONDS = 5.0
"""How long a call waits for its turn; who orders tries again later, with all else that waits."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What an account may ask a second, and a tenth less for RunTask: its own others ask as well.

    RunTask is limited twice, by calls and by what is launched.
    """

    calls: TokenBucket = field(default_factory=lambda: TokenBucket(18, 18))
    launches: TokenBucket = field(default_factory=lambda: TokenBucket(90, 18))
    stops: TokenBucket = field(default_factory=lambda: TokenBucket(18, 18))
    reads: TokenBucket = field(default_factory=lambda: TokenBucket(90, 18))

    def launch(self) -> None:
        """Wait until a task may be launched; raise LaunchFailed if that takes too long."""
        take(self.launches)
        take(self.calls)


def take(bucket: TokenBucket) -> None:
    """Wait for the turn of a call; raise LaunchFailed if that takes too long."""
    if not bucket.take(WAIT_SECONDS):
        raise LaunchFailed("ECS: more is asked at once than an account may ask; it is tried again")


def ecs_client() -> ECSClient:
    """Give a client, safe among threads; region, credentials and endpoint are those of the AWS_ variables.

    Raise LaunchFailed.
    """
    with ecs_errors.translated("ECS"):
        session = Session(region_name=os.environ.get("AWS_REGION"))  # which boto3 by itself does not read
        if session.region_name is None:
            raise NoRegionError
        with aws_endpoint.making_client(LaunchFailed, "ECS", ecs_errors.SERVICE):
            return session.client(
                "ecs",
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                    max_pool_connections=CONNECTIONS,
                ),
            )
