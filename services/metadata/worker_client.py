"""Private calls to a channel's worker: it takes a picture now."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Self

import httpx
import structlog

from services.domain.secrets import Secret

log = structlog.get_logger()

CALLS = 32  # under way at once, to all workers together
PLACE_SECONDS = 1.0
"""How long a call waits for its place among them."""
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 6.0  # a worker says itself after 5 s that the store does not take the picture


class WorkerAway(Exception):
    """The worker does not answer, or cannot answer now; the message says which."""


class WorkerRefuses(Exception):
    """The worker answers that it cannot do this, and why."""


class Workers:
    """The control ports of all workers; to be entered in the loop that serves, and left there."""

    def __init__(self) -> None:
        """Call nobody yet."""
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Begin; proxies of the environment are not for private calls."""
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=PLACE_SECONDS)
        # A worker's port is another's when it has gone, so no connection outlives its call.
        limits = httpx.Limits(max_connections=CALLS, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def ask(self, url: str, token: Secret, body: dict[str, Any]) -> dict[str, Any]:
        """Give a worker's answer to a call at `url`, shown the session's token; raise WorkerAway or WorkerRefuses."""
        if self._client is None:
            message = "the calls to workers were not begun"
            raise RuntimeError(message)
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        try:
            async with asyncio.timeout(PLACE_SECONDS + ANSWER_SECONDS):  # httpx counts each silence of its own
                answer = await self._client.post(url, json=body, headers=headers)
        except httpx.PoolTimeout:
            raise WorkerAway("too many pictures are being taken") from None
        except (httpx.HTTPError, TimeoutError) as error:
            log.warning("worker_silent", url=url, error=str(error) or type(error).__name__)
            raise WorkerAway("the channel's worker does not answer") from None
        return _read(answer)


def _read(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == HTTPStatus.CONFLICT:
        raise WorkerRefuses(_detail(answer))
    if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        raise WorkerAway(_detail(answer))
    try:
        if answer.status_code == HTTPStatus.OK:
            return dict(answer.json())
    except (ValueError, TypeError):
        pass
    # Another program's answer, or another session's worker's: the lease that led here is over.
    log.warning("worker_misunderstood", url=str(answer.url), status=answer.status_code)
    raise WorkerAway("the channel's worker has gone")


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "it does not say why"
