"""The term: while it lasts this dispatcher is the one that sends; any other stands by."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from services.dispatcher.threads import in_thread
from services.domain.clock import Clock
from services.domain.errors import LeaseHeld, LeaseLost, StateUnavailable
from services.domain.ports import LeaseStore
from services.domain.session import Lease
from services.runtime.leasing import claimed

log = structlog.get_logger()

NAME = "dispatcher"
MARGIN_SECONDS = 13.0  # before the lease's end no send begins any more: the longest takes 12 s
TRY_SECONDS = 1.0
_RENEWALS = 6  # in a term


@dataclass(slots=True, kw_only=True)
class Term:
    """Holds the lease of all dispatchers; `over` is set once another one has it."""

    leases: LeaseStore
    clock: Clock
    ttl: timedelta
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _lease: Lease | None = None
    _sends_until: float = 0.0

    async def begun(self, stop: asyncio.Event) -> bool:
        """Wait for one's turn; give False if `stop` is set before."""
        is_waiting = False
        while not stop.is_set():
            try:
                began = time.monotonic()
                self._lease = await in_thread(self._claimed)
            except LeaseHeld:
                if not is_waiting:
                    log.info("dispatcher_stands_by")
                is_waiting = True
            except StateUnavailable as error:
                log.warning("state_away", error=str(error))
            else:
                self._renewed(began)
                log.info("dispatcher_leads", epoch=self._lease.epoch)
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TRY_SECONDS)
        return False

    def _claimed(self) -> Lease:
        return claimed(self.leases, NAME, ttl=self.ttl, now=self.clock.now())

    def _renewed(self, asked_at: float) -> None:
        self._sends_until = asked_at + self.ttl.total_seconds() - MARGIN_SECONDS

    def may_send(self) -> bool:
        """Say whether nobody else can be sending before what begins now has ended; from any thread."""
        return time.monotonic() < self._sends_until and not self.over.is_set()

    async def keep(self) -> None:
        """Renew until cancelled, or until another dispatcher has taken over."""
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), self.ttl.total_seconds() / _RENEWALS)
            began = time.monotonic()
            try:
                self._lease = await in_thread(self._again)
            except LeaseLost:
                log.warning("dispatcher_superseded")
                self.over.set()
            except StateUnavailable as error:
                log.warning("lease_not_renewed", error=str(error))
            else:
                self._renewed(began)

    def _again(self) -> Lease:
        if self._lease is None:
            raise LeaseLost
        return self.leases.renew(self._lease, ttl=self.ttl, now=self.clock.now())

    async def end(self) -> None:
        """Give the lease back, so that another need not wait."""
        lease, self._lease = self._lease, None
        self.over.set()
        if lease is not None:
            with contextlib.suppress(StateUnavailable):
                await in_thread(lambda: self.leases.release(lease))
