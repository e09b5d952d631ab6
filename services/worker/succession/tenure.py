"""The worker's tenure: its lease, renewed while it works; only a newer epoch ends it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import structlog

from services.domain.clock import Clock
from services.domain.errors import LeaseLost, StateUnavailable
from services.domain.ports import LeaseStore
from services.domain.session import Lease
from services.runtime.beat import until_beat
from services.worker.succession.standstill import Standstill

log = structlog.get_logger()

TICK_SECONDS = 2.0
AGAIN_SECONDS = 2.0
"""How soon a lease is renewed again while state is away."""


@dataclass(slots=True, kw_only=True)
class Tenure:
    """Holds the lease of one session; `lost` is set when a newer epoch is recorded."""

    leases: LeaseStore
    clock: Clock
    lease: Lease
    ttl: timedelta
    lost: asyncio.Event
    _standstill: Standstill = field(init=False)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _is_behind: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Begin to notice standstills; one that is shorter than half a term costs no lease that was kept before."""
        self._standstill = Standstill(self.ttl.total_seconds() / 2)

    async def renew(self, **changes: Any) -> None:  # noqa: ANN401 - `control_url` or `leaving`
        """Extend the lease, with `changes`, which later renewals keep; raise LeaseLost."""
        async with self._lock:  # or a renewal that began before would take the changes back
            lease = self.lease = replace(self.lease, **changes)
            try:
                self.lease = await asyncio.to_thread(self.leases.renew, lease, ttl=self.ttl, now=self.clock.now())
            except LeaseLost:
                log.warning("lease_lost", session=lease.session_id, epoch=lease.epoch)
                self.lost.set()
                raise
            except StateUnavailable:
                self._is_behind = True
                self._hurry.set()
                raise
            self._is_behind = False

    def see(self, recorded: Lease | None) -> None:
        """Take note of the lease as it is recorded, or was a moment ago; a newer epoch ends the tenure."""
        if self._is_newer(recorded) and not self.lost.is_set():
            log.warning("lease_lost", session=self.lease.session_id, epoch=self.lease.epoch)
            self.lost.set()

    def check(self) -> None:
        """Raise LeaseLost once the tenure is over; from any thread, to be asked before anything is written.

        After a standstill state is asked, which blocks, and raises StateUnavailable while nobody can tell.
        """
        if self.lost.is_set():
            raise LeaseLost
        if self._standstill.is_noticed():
            if self._is_newer(self.leases.get(self.lease.session_id)):
                raise LeaseLost
            self._standstill.forgive()

    def must_ask(self) -> bool:
        """Say whether `check` would have to ask state, and so block."""
        return self._standstill.is_noticed() and not self.lost.is_set()

    def _is_newer(self, recorded: Lease | None) -> bool:
        if recorded is None or recorded.epoch < self.lease.epoch:
            return False
        return (recorded.epoch, recorded.holder) != (self.lease.epoch, self.lease.holder)

    async def still_ours(self) -> None:
        """Raise LeaseLost if a newer epoch is recorded; state that is away takes nothing from us.

        Raise StateUnavailable once the term is over that was recorded last: then another may have taken it.
        """
        try:
            await self.renew()
        except StateUnavailable:
            if not self.lease.is_valid(self.clock.now()):
                raise

    async def keep(self) -> None:
        """Renew three times a term until cancelled or lost, soon again where that fails, at once after a standstill."""
        term = self.ttl.total_seconds()
        ticking = asyncio.create_task(self._tick(min(TICK_SECONDS, term / 6)), name="tenure's clock")
        try:
            while not self.lost.is_set():
                await self._wait(min(AGAIN_SECONDS, term / 3) if self._is_behind else term / 3)
                with contextlib.suppress(LeaseLost):
                    await self._renew_if_reachable()
        finally:
            ticking.cancel()

    async def _wait(self, seconds: float) -> None:
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _renew_if_reachable(self) -> None:
        try:
            await self.renew()
        except StateUnavailable as error:
            log.warning("state_away", error=str(error))
        else:
            self._standstill.forgive()

    async def _tick(self, seconds: float) -> None:
        while True:
            if self._standstill.is_noticed():
                self._hurry.set()
            self._standstill.tick()
            await asyncio.sleep(until_beat(seconds))

    async def release(self) -> None:
        """Give the lease back, so that a successor need not wait for its end."""
        with contextlib.suppress(StateUnavailable):
            await asyncio.to_thread(self.leases.release, self.lease)
