"""A publisher with the right key finds another on air: who of them stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.domain.errors import GatewayUnavailable
from services.gateway.counts import Counts
from services.gateway.desk import Contested
from services.gateway.nginx_client import Census, NginxClient
from services.gateway.pulse import Pulse

log = structlog.get_logger()

SILENT_SECONDS = 2.0
"""After so long without a message from it, a connection is dead to whoever comes with the right key."""
LOOK_SECONDS = 0.1
DROP_SECONDS = 1.0
"""How long nginx may take to close a connection that it was told to drop."""


@dataclass(slots=True, kw_only=True)
class Contest:
    """Drops the publisher on air where it is dead, or where the channel's policy gives the air to the newcomer.

    nginx refuses a second publisher of a name by itself, so the first must be gone before the second is let in.
    `settling` is how long after its acceptance a publisher may be missing from nginx's list.
    """

    nginx: NginxClient
    pulse: Pulse
    counts: Counts
    settling: timedelta
    _channels: set[str] = field(default_factory=set)

    async def won(self, contested: Contested, *, is_gone: Callable[[], bool]) -> float:
        """Make way for who was refused by `contested`; give for how long (s) the one on air had been silent.

        Raise `contested` where that one stays: it is alive, it is not ours to drop, or another already tries.
        `is_gone` says whether the newcomer has left meanwhile.
        """
        if contested.channel_id in self._channels or not self.nginx.is_ours(contested.publisher):
            raise contested
        self._channels.add(contested.channel_id)
        try:
            silent = None if contested.may_take_over else await self._until_silent(contested, is_gone)
            await self._drop(contested)
        except GatewayUnavailable as error:
            raise contested from error
        finally:
            self._channels.discard(contested.channel_id)
        self._tell(contested, silent)
        return silent or 0.0

    async def _until_silent(self, contested: Contested, is_gone: Callable[[], bool]) -> float:
        """Give the silence of the one on air once it is long enough; raise `contested` as soon as it sends."""
        publisher = contested.publisher
        census = await self.pulse.taken()
        began = time.monotonic()
        while True:
            if census.gateway != publisher.gateway or self._is_missing(contested, census):
                return 0.0
            heard_at = self.pulse.heard_at(publisher)
            if heard_at is None or heard_at > began or is_gone():
                raise contested
            silent = census.asked_at_monotonic - heard_at
            if silent >= SILENT_SECONDS:
                return silent
            await asyncio.sleep(min(LOOK_SECONDS, SILENT_SECONDS - silent))
            census = await self.pulse.taken()

    def _is_missing(self, contested: Contested, census: Census) -> bool:
        """Say whether it left without nginx telling of it; one that is only just being let in is not listed yet."""
        publisher = contested.publisher
        is_listed = census.has(publisher, contested.channel_id)
        return not is_listed and publisher.accepted_at + self.settling < census.asked_at

    async def _drop(self, contested: Contested) -> None:
        publisher, give_up_at = contested.publisher, time.monotonic() + DROP_SECONDS
        while True:
            await self.nginx.drop_publisher(publisher.gateway, contested.channel_id, publisher.client_id)
            census = await self.pulse.taken()
            if not census.has(publisher, contested.channel_id):
                return
            if time.monotonic() > give_up_at:
                raise contested
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, contested: Contested, silent: float | None) -> None:
        fields = {"channel": contested.channel_id, "session": contested.session_id}
        if silent is None:
            self.counts.taken_over()
            log.info("publisher_taken_over", **fields)
        else:
            self.counts.dead_dropped()
            log.info("dead_publisher_dropped", **fields, silent_seconds=round(silent, 1))
