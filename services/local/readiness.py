"""Whether the stack takes a publish yet, and what a ready channel's publisher needs."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from dataclasses import dataclass

from services.domain.secrets import Secret
from services.local.errors import CannotStart
from services.local.ports import LOOPBACK, Ports

READY_SECONDS = 15.0
_POLL_SECONDS = 0.05
_ANSWER_SECONDS = 2.0
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """What an encoder is given."""

    server: str
    stream_key: str


async def wait_until_ready(ports: Ports, seconds: float = READY_SECONDS) -> None:
    """Return when the metadata service says ready; after `seconds` raise CannotStart saying which part is missing."""
    try:
        async with asyncio.timeout(seconds):
            # Another process has no event of ours to wait on, so its address is asked again and again.
            while await asyncio.to_thread(_status, ports.api, "/readyz") != _OK:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        missing = await asyncio.to_thread(_missing, ports)
        raise CannotStart(f"not ready after {seconds:g} s: {missing}; the log above may say why") from error


async def publish_of(ports: Ports, channel: str, token: Secret) -> Publish:
    """Ask the API for a channel's publish address."""
    try:
        status, body = await asyncio.to_thread(_get, ports.api, f"/channels/{channel}", token)
        if status != _OK:
            raise CannotStart(f"the API answers {status} for the channel {channel}; the log above may say why")
        publish = json.loads(body)["publish"]
        return Publish(server=publish["server"], stream_key=publish["stream_key"])
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise CannotStart(f"the API gave no publish address for the channel {channel}: {error!r}") from error


def _get(port: int, path: str, token: Secret | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token.reveal()}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _status(port: int, path: str) -> int | None:
    """Give the status of an answer, None if there is none."""
    try:
        return _get(port, path)[0]
    except (OSError, http.client.HTTPException):
        return None


def _missing(ports: Ports) -> str:
    found = []
    try:
        socket.create_connection((LOOPBACK, ports.rtmp), timeout=_ANSWER_SECONDS).close()
    except OSError:
        found.append(f"nginx takes no connection on port {ports.rtmp}")
    for part, port in (("the callback app", ports.callback), ("the metadata service", ports.api)):
        status = _status(port, "/readyz")
        if status is None:
            found.append(f"{part} does not answer on port {port}")
        elif status != _OK:
            found.append(f"{part} answers {status} to /readyz")
    return ", ".join(found) or "everything answers now, only too late; this machine may be too busy"
