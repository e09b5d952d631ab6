"""The other gateways, for a publisher that comes here while its connection is on one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.domain.clock import Clock
from services.domain.errors import GatewayUnavailable
from services.domain.gateways import Connection, Gateway, GatewayStore
from services.domain.secrets import Secret
from services.gateway.connections import CUT_SECONDS, Holder
from services.runtime.knocking import knock

ASK_SECONDS = 1.0
HTTP_PORT = 80
RTMP_PORT = 1935


@dataclass(frozen=True, slots=True)
class Gone:
    """A gateway that is dead: nobody is connected to it."""

    async def silence(self, _gateway: str, _connection: Connection) -> float | None:
        """Say that it is not there."""
        return None

    async def cut(self, _gateway: str, _connection: Connection) -> bool:
        """Say that it is gone."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A gateway that was alive a moment ago, asked through its callback app.

    Where that refuses a connection, and nginx beside it as well, it has died since. Nothing follows from silence, which
    a network may make: then its row's age decides.
    """

    http: httpx.AsyncClient
    url: str
    rtmp: tuple[str, int]

    async def silence(self, gateway: str, connection: Connection) -> float | None:
        """Give for how long (s) a connection of that life of it has sent nothing, None if it is not there."""
        answer = await self._asked("GET", "/connections", params={"channel": connection.channel_id})
        if answer is None:
            return None
        try:
            told = answer.json()
            found = [each for each in told["connections"] if each["client_id"] == connection.client_id]
            return float(found[0]["silent_seconds"]) if found and told["gateway"] == gateway else None
        except (ValueError, LookupError, TypeError) as error:
            raise GatewayUnavailable(f"{self.url} does not answer as a gateway does") from error

    async def cut(self, gateway: str, connection: Connection) -> bool:
        """Cut a connection; say whether it is gone."""
        wanted = {"gateway": gateway, "channel_id": connection.channel_id, "client_id": connection.client_id}
        answer = await self._asked("POST", "/drop", json=wanted, timeout=ASK_SECONDS + CUT_SECONDS)
        return answer is None or answer.status_code == HTTPStatus.NO_CONTENT

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response | None:  # noqa: ANN401 - httpx's own
        """Give the answer, None from one that has died."""
        try:
            answer = await self.http.request(method, f"{self.url}{path}", **more)
        except httpx.ConnectError as error:
            if await self._is_dead():
                return None
            raise GatewayUnavailable(f"{self.url} takes no connection") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GatewayUnavailable(f"{self.url} does not answer: {error!r}") from error
        if answer.is_error and answer.status_code != HTTPStatus.CONFLICT:
            raise GatewayUnavailable(f"{self.url} answers {path} with {answer.status_code}")
        return answer

    async def _is_dead(self) -> bool:
        app = urlsplit(self.url)
        return await _refuses(app.hostname or "", app.port or HTTP_PORT) and await _refuses(*self.rtmp)


async def _refuses(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await knock(host, port)
    except ConnectionRefusedError:
        return True
    except OSError:  # no answer in time among them
        return False
    return False


@dataclass(slots=True, kw_only=True)
class Neighbours:
    """Finds them by their rows."""

    gateways: GatewayStore
    clock: Clock
    token: Secret
    _http: httpx.AsyncClient | None = field(default=None)

    async def holder(self, gateway: str) -> Holder:
        """Give the gateway of that name; one that has no row, or has not written lately, is gone.

        Raise StateUnavailable.
        """
        row = await asyncio.to_thread(self.gateways.get, gateway)
        if row is None or not row.is_alive(self.clock.now()):
            return Gone()
        url = urlsplit(row.pull_url)
        return Neighbour(http=self._client(), url=row.control_url, rtmp=(url.hostname or "", url.port or RTMP_PORT))

    async def others(self, is_own: Callable[[str], bool]) -> list[Gateway]:
        """Give those that take publishers now and are no life of this one; raise StateUnavailable."""
        rows, now = await asyncio.to_thread(self.gateways.all), self.clock.now()
        return [row for row in rows if not is_own(row.name) and row.takes_publishers(now)]

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            headers = {"Authorization": f"Bearer {self.token.reveal()}"}
            self._http = httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False, headers=headers)
        return self._http

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
