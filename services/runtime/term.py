"""The term: while it lasts this process is the one of its service that acts; any other stands by."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from services.domain.clock import Clock
from services.domain.errors import LeaseHeld, LeaseLost, StateUnavailable
from services.domain.ports import LeaseStore
from services.domain.session import Lease
from services.runtime.leasing import claimed
from services.runtime.threads import in_thread

log = structlog.get_logger()

TRY_SECONDS = 1.0
_RENEWALS = 6  # in a term


class Leads(Protocol):
    """Is told whether this process acts or stands by."""

    def __call__(self, *, is_leading: bool) -> None: ...  # noqa: D102 - says it above


@dataclass(slots=True, kw_only=True)
class Term:
    """Holds the one lease of a service's processes, `name`; `over` is set once another one has it.

    What begins before the lease's end less `margin_seconds` has ended by then.
    """

    name: str
    margin_seconds: float
    leases: LeaseStore
    clock: Clock
    ttl: timedelta
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _lease: Lease | None = None
    _acts_until: float = 0.0

    async def begun(self, stop: asyncio.Event) -> bool:
        """Wait for one's turn; give False if `stop` is set before."""
        is_waiting = False
        while not stop.is_set():
            try:
                began = time.monotonic()
                self._lease = await in_thread(self._claimed)
            except LeaseHeld:
                if not is_waiting:
                    log.info(self._event("stands_by"))
                is_waiting = True
            except StateUnavailable as error:
                log.warning("state_away", error=str(error))
            else:
                self._renewed(began)
                log.info(self._event("leads"), epoch=self._lease.epoch)
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TRY_SECONDS)
        return False

    async def lead(self, stop: asyncio.Event, act: Callable[[], Awaitable[None]], *, leads: Leads) -> None:
        """Wait for one's turn, and act until the term is over or `stop` is set; `leads` is told of both."""
        if not await self.begun(stop):
            return
        leads(is_leading=True)
        tasks = [asyncio.create_task(self._ended_by(stop)), asyncio.create_task(self.keep())]
        try:
            await act()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.end()
            leads(is_leading=False)

    async def _ended_by(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.over.set()

    def _event(self, what: str) -> str:
        return f"{self.name}_{what}"

    def _claimed(self) -> Lease:
        return claimed(self.leases, self.name, ttl=self.ttl, now=self.clock.now())

    def _renewed(self, asked_at: float) -> None:
        self._acts_until = asked_at + self.ttl.total_seconds() - self.margin_seconds

    def may_act(self) -> bool:
        """Say whether nobody else can be sending before what begins now has ended; from any thread."""
        return time.monotonic() < self._acts_until and not self.over.is_set()

    async def keep(self) -> None:
        """Renew until cancelled, or until another process has taken over."""
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), self.ttl.total_seconds() / _RENEWALS)
            began = time.monotonic()
            try:
                self._lease = await in_thread(self._again)
            except LeaseLost:
                log.warning(self._event("superseded"))
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
