"""A function of AWS Lambda, called and waited for."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import NoRegionError

from services.adapters import aws_endpoint, aws_errors
from services.domain.errors import Unavailable
from services.domain.grab import TooBusy

SERVICE = "LAMBDA"
CONNECT_SECONDS = 1.0
READ_SECONDS = 7.6
CONNECTIONS = 64
_BUSY = ("TooManyRequestsException", "EC2ThrottledException")
# The function is not there, not ready, or not ours: whoever runs the deployment mends that.
_AWAY = ("ResourceNotFoundException", "ResourceConflictException", "ResourceNotReadyException", "AccessDeniedException")
_CODES = {**dict.fromkeys(_BUSY, TooBusy), **dict.fromkeys(_AWAY, Unavailable)}


class LambdaFunction:
    """One function by its name or ARN; safe among threads."""

    def __init__(self, name: str, *, read_seconds: float = READ_SECONDS) -> None:
        """Ask nothing yet."""
        self._name = name
        self._read_seconds = read_seconds

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes its methods at run time
        session = Session(region_name=os.environ.get("AWS_REGION"))  # which boto3 by itself does not read
        if session.region_name is None:
            raise NoRegionError
        with aws_endpoint.making_client(Unavailable, "Lambda", SERVICE):
            return session.client(
                "lambda",
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=self._read_seconds,
                    retries={"total_max_attempts": 1, "mode": "standard"},  # whoever waits tries again
                    max_pool_connections=CONNECTIONS,
                ),
            )

    def call(self, order: bytes) -> bytes:
        """Give the function's answer to `order` (JSON); raise TooBusy, or Unavailable where it does not come."""
        with aws_errors.translated(Unavailable, f"function {self._name}", _CODES, service=SERVICE):
            answer = self._client.invoke(FunctionName=self._name, Payload=order)
            body: bytes = answer["Payload"].read()
        if "FunctionError" in answer:  # what it says may quote the address
            raise Unavailable(f"function {self._name} failed: see its log")
        return body

    def close(self) -> None:
        """Close the connections, if there ever were any."""
        client = vars(self).get("_client")
        if client is not None:
            client.close()
