"""The right to be the one that fetches a channel's source: a lease, as a session's worker has one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.domain.clock import Clock
from services.domain.errors import LeaseHeld, Unavailable
from services.domain.ids import pull_id
from services.domain.ports import LeaseStore
from services.domain.session import Lease
from services.runtime.process_name import is_over, own_name

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Hold:
    """One channel's; the two calls that are not coroutines block."""

    leases: LeaseStore
    channel_id: str
    clock: Clock
    ttl: timedelta
    _lease: Lease | None = None

    def take(self) -> None:
        """Take it, from a process of this machine that is over at once; raise LeaseHeld."""
        name, now = pull_id(self.channel_id), self.clock.now()
        try:
            self._lease = self.leases.claim(name, own_name(), ttl=self.ttl, now=now)
        except LeaseHeld:
            held = self.leases.get(name)
            if held is None or not is_over(held.holder):
                raise
            self.leases.release(held)
            self._lease = self.leases.claim(name, own_name(), ttl=self.ttl, now=now)

    async def keep(self) -> None:
        """Renew it until cancelled; raise LeaseLost when another has it: state that is away takes it from nobody."""
        while self._lease is not None:
            await asyncio.sleep(self.ttl.total_seconds() / 3)
            try:
                self._lease = await asyncio.to_thread(
                    self.leases.renew, self._lease, ttl=self.ttl, now=self.clock.now()
                )
            except Unavailable as error:
                log.warning("hold_not_renewed", error=str(error))

    def give_back(self) -> None:
        """Let go of it."""
        if self._lease is not None:
            self.leases.release(self._lease)
