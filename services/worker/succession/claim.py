"""How a worker comes by its session's lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.domain.clock import Clock
from services.domain.errors import LeaseHeld
from services.domain.ports import LeaseStore, SessionStore
from services.domain.session import Lease, Session
from services.runtime.leasing import claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One worker's claim to one session; all calls block."""

    leases: LeaseStore
    sessions: SessionStore
    clock: Clock
    session: Session
    ttl: timedelta
    holder: str | None = None

    def take(self) -> Lease:
        """Take the lease; raise LeaseHeld."""
        return claimed(self.leases, self.session.id, ttl=self.ttl, now=self.clock.now(), holder=self.holder)

    def leaving(self) -> Lease:
        """Give the lease of the worker that waits to be relieved; raise LeaseHeld where nobody is wanted beside it."""
        held = self.leases.get(self.session.id)
        if held is None or not held.leaving:
            raise LeaseHeld
        return held

    def check(self) -> None:
        """Raise LeaseHeld if the session ends, or another worker has it that does not leave."""
        session, held = self.sessions.get(self.session.id), self.leases.get(self.session.id)
        is_held = held is not None and held.is_valid(self.clock.now()) and not held.leaving
        if is_held or session.closing or not session.state.is_open:
            raise LeaseHeld
