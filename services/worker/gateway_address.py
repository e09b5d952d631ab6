"""Where a session's publisher is: what to pull from, and whose private port to ask, by the gateways' own rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlencode

import structlog

from services.domain.clock import Clock
from services.domain.errors import StateUnavailable
from services.domain.gateways import Gateway, GatewayStore
from services.domain.secrets import Secret
from services.domain.session import Session

log = structlog.get_logger()

ASK_SECONDS = 1.0
"""How long state may take to tell where a gateway is; then what is known stands, or the settings."""


@dataclass(slots=True, kw_only=True)
class GatewayAddress:
    """Knows the gateway of the publisher that was seen last; `pull_url` and `callback_url` are for while none is known.

    A life of a gateway never moves, so that each row is asked for once.
    """

    gateways: GatewayStore
    clock: Clock
    pull_url: str
    callback_url: str | None = None
    _known: dict[str, Gateway] = field(default_factory=dict)
    _last: str | None = None

    async def of(self, session: Session) -> Gateway | None:
        """Give the gateway that has the session's publisher, or had the last one; None: nobody knows."""
        name = self._last = session.publisher.gateway if session.publisher is not None else self._last
        if name is None:
            return None
        if name not in self._known:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    row = await asyncio.to_thread(self.gateways.get, name)
            except (StateUnavailable, TimeoutError) as error:
                log.warning("state_away", error=str(error) or f"no answer in {ASK_SECONDS:g} s")
                return None
            if row is not None:
                self._known[name] = row
        return self._known.get(name)

    async def source(self, session: Session) -> Secret:
        """Give the address to pull from, with the session's token."""
        gateway = await self.of(session)
        return source(self.pull_url if gateway is None else gateway.pull_url, session)

    async def control_urls(self, session: Session) -> list[str]:
        """Give where to tell a gateway something: at the publisher's gateway, or at any that is alive."""
        gateway = await self.of(session)
        if gateway is not None:
            return [gateway.control_url]
        alive = [row.control_url for row in await self._alive()]
        return alive or ([self.callback_url] if self.callback_url else [])

    async def backlog_urls(self, session: Session) -> dict[str, bool]:
        """Give where something of the session may be kept, and whether the gateway there is alive by its row.

        A publisher that has moved left what it sent at the gateway it came to first, so all that are alive are named;
        the publisher's own is named first, and even where its row is old.
        """
        gateway, alive = await self.of(session), await self._alive()
        urls = dict.fromkeys((row.control_url for row in alive), True)
        if gateway is not None:
            urls = {gateway.control_url: urls.get(gateway.control_url, False), **urls}
        return urls or ({self.callback_url: False} if self.callback_url else {})

    async def _alive(self) -> list[Gateway]:
        """Give the rows of the gateways that are alive; none while state is away."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                rows = await asyncio.to_thread(self.gateways.all)
        except (StateUnavailable, TimeoutError):
            return []
        now = self.clock.now()
        return [row for row in rows if row.is_alive(now)]


def source(pull_url: str, session: Session) -> Secret:
    """Give the address of a session's stream, with its token."""
    query = urlencode({"session": session.id, "token": session.pull_token.reveal()})
    return Secret(f"{pull_url}/{session.channel_id}?{query}")
