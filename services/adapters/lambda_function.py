"""A function of AWS Lambda, called and waited for."""

from __future__ import annotations

from typing import Any

from services.adapters import aws_client, aws_errors
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
        how = aws_client.config(connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds, connections=CONNECTIONS)
        self._client = aws_client.LateClient[Any](lambda: aws_client.made("Lambda", how, Unavailable))

    def call(self, order: bytes) -> bytes:
        """Give the function's answer to `order` (JSON); raise TooBusy, or Unavailable where it does not come."""
        with aws_errors.translated(Unavailable, f"function {self._name}", _CODES, service=SERVICE):
            answer = self._client.api.invoke(FunctionName=self._name, Payload=order)
            body: bytes = answer["Payload"].read()
        if "FunctionError" in answer:  # what it says may quote the address
            raise Unavailable(f"function {self._name} failed: see its log")
        return body

    def close(self) -> None:
        """Close the connections, if there ever were any."""
        self._client.close()
