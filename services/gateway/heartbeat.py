"""The heartbeat: writes this gateway's row, so that the others know that it is up and who is connected to it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace

import structlog

from services.domain.errors import InvalidInput, Unavailable
from services.domain.gateways import BEAT_SECONDS, Gateway, GatewayStore
from services.gateway.door import Door
from services.gateway.nginx_client import Census
from services.gateway.place import Place
from services.gateway.pulse import Pulse

log = structlog.get_logger()

_EARLY_SECONDS = 0.25
"""A beat may come so much before its time: the census that it says comes in steps of its own."""


@dataclass(slots=True, kw_only=True)
class Heartbeat:
    """Says what nginx itself lists, at once where that changes, else every BEAT_SECONDS.

    While nginx does not answer it says nothing, and while state is away it cannot: the row grows old, and who reads it
    takes the gateway for dead. Each life of nginx has a row of its own; the one before is removed.
    """

    gateways: GatewayStore
    pulse: Pulse
    place: Place
    door: Door
    _written: Gateway | None = None
    _written_at: float = 0.0
    _is_trouble_told: bool = False

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            census = await self.pulse.next()
            try:
                await self._beat(census)
            except (Unavailable, InvalidInput) as error:
                self._tell(error)
            else:
                self._is_trouble_told = False

    async def _beat(self, census: Census) -> None:
        row, before = self._row(census), self._written
        if row is not None and self._is_due(row):
            begun_at = time.monotonic()
            await asyncio.to_thread(self.gateways.put, row)
            self._written, self._written_at = row, begun_at
        if before is not None and (row is None or row.name != before.name):
            await self._remove(before)

    def _is_due(self, row: Gateway) -> bool:
        if self._written is None or replace(row, seen_at=self._written.seen_at) != self._written:
            return True
        return time.monotonic() - self._written_at >= BEAT_SECONDS - _EARLY_SECONDS

    def _row(self, census: Census) -> Gateway | None:
        if census.is_gone:
            return None
        return Gateway(
            name=census.gateway,
            seen_at=census.asked_at,
            pull_url=self.place.pull_url,
            control_url=self.place.control_url,
            zone=self.place.zone,
            connections=census.connections,
            draining_since=self.door.shut_since,
        )

    async def _remove(self, row: Gateway) -> None:
        await asyncio.to_thread(self.gateways.remove, row.name)
        if self._written is row:
            self._written = None

    def _tell(self, error: Exception) -> None:
        if not self._is_trouble_told:
            log.warning("heartbeat_not_written", error=str(error))
            self._is_trouble_told = True

    async def stop(self) -> None:
        """Take the row away; where state is away it grows old by itself."""
        if self._written is not None:
            with contextlib.suppress(Unavailable):
                await self._remove(self._written)
