"""The publishers that are connected to this gateway: how long each has been silent, and how one is cut."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol

from services.domain.gateways import Connection
from services.gateway.nginx_client import Census, NginxClient
from services.gateway.pulse import Pulse

LOOK_SECONDS = 0.1
CUT_SECONDS = 1.0
"""How long nginx may take to close a connection that it was told to drop."""


class Holder(Protocol):
    """A gateway as one sees it who wants another's place on it; every call may raise GatewayUnavailable."""

    async def silence(self, gateway: str, connection: Connection) -> float | None:
        """Give for how long (s) a connection of that life of the gateway has sent nothing, None if it is not there."""
        ...

    async def cut(self, gateway: str, connection: Connection) -> bool:
        """Cut a connection; say whether it is gone."""
        ...


@dataclass(slots=True, kw_only=True)
class Connections:
    """Those of the own nginx."""

    nginx: NginxClient
    pulse: Pulse

    async def silence(self, gateway: str, connection: Connection) -> float | None:
        """Give for how long (s) a connection of that life of nginx has sent nothing, None if it is not there."""
        census = await self.pulse.taken()
        return self._silence(census, connection) if _has(census, gateway, connection) else None

    async def cut(self, gateway: str, connection: Connection) -> bool:
        """Cut a connection; say whether it is gone."""
        give_up_at = time.monotonic() + CUT_SECONDS
        while True:
            await self.nginx.drop_publisher(gateway, connection.channel_id, connection.client_id)
            if not _has(await self.pulse.taken(), gateway, connection):
                return True
            if time.monotonic() > give_up_at:
                return False
            await asyncio.sleep(LOOK_SECONDS)

    async def told(self, channel_id: str | None) -> dict[str, Any]:
        """Give all, or those of one channel, as another gateway reads them."""
        census = await self.pulse.taken()
        return {
            "gateway": census.gateway,
            "connections": [
                {
                    "channel_id": each.channel_id,
                    "client_id": each.client_id,
                    "bytes_in": census.streams[each.channel_id].bytes_in,
                    "silent_seconds": round(self._silence(census, each), 3),
                }
                for each in census.connections
                if channel_id in (None, each.channel_id)
            ],
        }

    def _silence(self, census: Census, connection: Connection) -> float:
        heard_at = self.pulse.heard_from(census.gateway, connection.client_id)
        return 0.0 if heard_at is None else max(0.0, census.asked_at_monotonic - heard_at)


def _has(census: Census, gateway: str, connection: Connection) -> bool:
    return census.gateway == gateway and connection in census.connections
