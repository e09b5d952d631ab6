"""Makes botocore's clients: for every service of AWS the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import NoRegionError

from services.adapters import aws_endpoint
from services.domain.errors import StreamkeepError


class _Closes(Protocol):
    def close(self) -> None: ...


_Client = TypeVar("_Client", bound=_Closes)


def config(
    *,
    connect_seconds: float,
    read_seconds: float,
    attempts: int = 1,
    connections: int = 10,
    **more: Any,  # noqa: ANN401 - what else botocore knows, by its names
) -> Config:
    """Give how a client calls: each attempt is given up after `read_seconds` of silence.

    With one attempt whoever asks tries again; retry is in one layer only.
    """
    return Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        **more,
    )


def made(
    service: str,
    how: Config,
    unavailable: type[StreamkeepError],
    *,
    region: str | None = None,
    endpoint: str | None = None,
) -> Any:  # noqa: ANN401 - botocore makes its methods at run time
    """Give a client, safe among threads, of a service by AWS's name for it (`Lambda`).

    Credentials, and region and endpoint where they are None, are those of the usual AWS_ variables and files. Raise
    `unavailable` for variables that make no address, and botocore's own errors for the rest.
    """
    session = Session(region_name=region or os.environ.get("AWS_REGION"))  # which boto3 by itself does not read
    if session.region_name is None:
        raise NoRegionError
    with aws_endpoint.making_client(unavailable, service, service.upper()):
        make: Callable[..., Any] = session.client  # whose type is by the service's name, to the letter
        return make(service.lower(), endpoint_url=endpoint, config=how)


class LateClient(Generic[_Client]):
    """A client that is made at the first call, in whose errors are those of its making."""

    def __init__(self, make: Callable[[], _Client]) -> None:
        """Make nothing yet."""
        self._make = make
        self._made: _Client | None = None

    @property
    def api(self) -> _Client:
        """Give the client."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def close(self) -> None:
        """Close the connections, if there ever were any."""
        if self._made is not None:
            self._made.close()
