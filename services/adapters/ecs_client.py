"""Makes the client that speaks to ECS, or to what speaks its protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.adapters import aws_client, ecs_errors
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
        how = aws_client.config(
            connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS, attempts=ATTEMPTS, connections=CONNECTIONS
        )
        client: ECSClient = aws_client.made("ECS", how, LaunchFailed)
        return client
