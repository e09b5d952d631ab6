"""A publisher with the right key finds another on air: who of them stays."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.domain.clock import Clock
from services.domain.errors import GatewayUnavailable
from services.gateway.connections import LOOK_SECONDS, Connections, Holder
from services.gateway.counts import Counts
from services.gateway.desk import Contested
from services.gateway.neighbours import Neighbours

log = structlog.get_logger()

SILENT_SECONDS = 2.0
"""After so long without a message from it, a connection is dead to whoever comes with the right key."""


@dataclass(slots=True, kw_only=True)
class Contest:
    """Drops the publisher on air where it is dead, or where the channel's policy gives the air to the newcomer.

    nginx refuses a second publisher of a name by itself, so the first must be gone before the second is let in; one on
    another gateway, whose nginx would refuse nobody here, likewise: a channel has one.
    `settling` is how long after its acceptance a publisher may be missing from nginx's list.
    """

    connections: Connections
    neighbours: Neighbours
    clock: Clock
    counts: Counts
    settling: timedelta
    _channels: set[str] = field(default_factory=set)

    async def won(self, contested: Contested, *, is_gone: Callable[[], bool]) -> float:
        """Make way for who was refused by `contested`; give for how long (s) the one on air had been silent.

        Raise `contested` where that one stays: it is alive, its gateway does not answer, or another already tries; or
        StateUnavailable. `is_gone` says whether the newcomer has left meanwhile.
        """
        if contested.channel_id in self._channels:
            raise contested
        self._channels.add(contested.channel_id)
        try:
            holder = await self._holder(contested.publisher.gateway)
            silent = None if contested.may_take_over else await self._until_silent(holder, contested, is_gone)
            if not await holder.cut(contested.publisher.gateway, contested.connection):
                raise contested
        except GatewayUnavailable as error:
            raise contested from error
        finally:
            self._channels.discard(contested.channel_id)
        self._tell(contested, silent)
        return silent or 0.0

    async def _holder(self, gateway: str) -> Holder:
        return self.connections if self.connections.nginx.is_own(gateway) else await self.neighbours.holder(gateway)

    async def _until_silent(self, holder: Holder, contested: Contested, is_gone: Callable[[], bool]) -> float:
        """Give the silence of the one on air once it is long enough; raise `contested` as soon as it sends."""
        began = math.inf
        while True:
            asked_at = time.monotonic()
            silent = await holder.silence(contested.publisher.gateway, contested.connection)
            if silent is None and self._is_settled(contested):
                return 0.0
            if silent is None or silent < asked_at - began or is_gone():
                raise contested
            if silent >= SILENT_SECONDS:
                return silent
            began = min(began, time.monotonic())
            await asyncio.sleep(min(LOOK_SECONDS, SILENT_SECONDS - silent))

    def _is_settled(self, contested: Contested) -> bool:
        """Say whether it left without nginx telling of it; one that is only just being let in is not listed yet."""
        return contested.publisher.accepted_at + self.settling < self.clock.now()

    def _tell(self, contested: Contested, silent: float | None) -> None:
        fields = {"channel": contested.channel_id, "session": contested.session_id}
        if silent is None:
            self.counts.taken_over()
            log.info("publisher_taken_over", **fields)
        else:
            self.counts.dead_dropped()
            log.info("dead_publisher_dropped", **fields, silent_seconds=round(silent, 1))
