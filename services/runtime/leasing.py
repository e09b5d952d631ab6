"""How a process comes by a lease."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.domain.errors import LeaseHeld
from services.domain.ports import LeaseStore
from services.domain.session import Lease
from services.runtime.process_name import is_over, own_name


def claimed(leases: LeaseStore, name: str, *, ttl: timedelta, now: datetime, holder: str | None = None) -> Lease:
    """Take a lease by its name, from a process of this machine that is over at once; raise LeaseHeld.

    `holder` is how this process is called; None: by its own name.
    """
    holder = holder or own_name()
    try:
        return leases.claim(name, holder, ttl=ttl, now=now)
    except LeaseHeld:
        held = leases.get(name)
        if held is None or not is_over(held.holder):
            raise
        leases.release(held)
    return leases.claim(name, holder, ttl=ttl, now=now)
