"""The worker's tenure: its lease, renewed while it works; only a newer epoch ends it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.domain.clock import Clock
from services.domain.errors import LeaseLost, StateUnavailable
from services.domain.ports import LeaseStore
from services.domain.session import Lease

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Tenure:
    """Holds the lease of one session; `lost` is set when a newer epoch is recorded."""

    leases: LeaseStore
    clock: Clock
    lease: Lease
    ttl: timedelta
    lost: asyncio.Event

    async def renew(self, control_url: str | None = None) -> None:
        """Extend the lease, with a new control address if given; raise LeaseLost."""
        if control_url is not None:
            self.lease = Lease(
                session_id=self.lease.session_id,
                epoch=self.lease.epoch,
                holder=self.lease.holder,
                expires_at=self.lease.expires_at,
                control_url=control_url,
            )
        try:
            self.lease = await asyncio.to_thread(self.leases.renew, self.lease, ttl=self.ttl, now=self.clock.now())
        except LeaseLost:
            log.warning("lease_lost", session=self.lease.session_id, epoch=self.lease.epoch)
            self.lost.set()
            raise

    async def still_ours(self) -> None:
        """Raise LeaseLost if a newer epoch is recorded; state that is away takes nothing from us."""
        with contextlib.suppress(StateUnavailable):
            await self.renew()

    async def keep(self) -> None:
        """Renew three times a term until cancelled or lost."""
        while not self.lost.is_set():
            await asyncio.sleep(self.ttl.total_seconds() / 3)
            with contextlib.suppress(LeaseLost):
                await self.still_ours()

    async def release(self) -> None:
        """Give the lease back, so that a successor need not wait for its end."""
        with contextlib.suppress(StateUnavailable):
            await asyncio.to_thread(self.leases.release, self.lease)
