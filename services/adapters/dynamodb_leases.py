"""Leases in DynamoDB."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta

from pynamodb.expressions.condition import Condition

from services.adapters.dynamodb_items import Items, Refused, Write
from services.adapters.dynamodb_table import Item, lease_key
from services.adapters.record_text import decoded, encoded
from services.domain.clock import Clock
from services.domain.errors import LeaseHeld, LeaseLost
from services.domain.records import lease_from_record, lease_record
from services.domain.session import LEASE_KEPT, Lease

_CLAIMS_MAX = 8  # a claim that others come before so often is lost


def lease_of(item: Item | None, now: datetime) -> Lease | None:
    """Read a lease's item; DynamoDB removes what is forgotten in its own time, but it counts no more."""
    lease = None if item is None else lease_from_record(decoded(item.record))
    return None if lease is None or lease.is_forgotten(now) else lease


def _write(lease: Lease, condition: Condition) -> Write:
    attributes = {
        "id": lease_key(lease.session_id),
        "epoch": lease.epoch,
        "holder": lease.holder,
        "gone_at": lease.expires_at + LEASE_KEPT,
        "record": encoded(lease_record(lease)),
    }
    return Write(attributes=attributes, condition=condition)


def _is_own(lease: Lease) -> Condition:
    condition: Condition = (Item.epoch == lease.epoch) & (Item.holder == lease.holder)
    return condition


class DynamodbLeases:
    """Keeps the one lease of each session, in an item that is in no index."""

    def __init__(self, items: Items, clock: Clock) -> None:
        """Use `items`, which its owner closes."""
        self._items = items
        self._clock = clock

    def claim(self, session_id: str, holder: str, *, ttl: timedelta, now: datetime) -> Lease:
        """Take the lease with the next epoch (from 1); raise LeaseHeld while another holder's is valid."""
        found = self._items.get(lease_key(session_id))
        for _ in range(_CLAIMS_MAX):
            stored = lease_of(found, self._clock.now())
            if stored is not None and stored.holder != holder and stored.is_valid(now):
                raise LeaseHeld
            epoch = 1 if stored is None else stored.epoch + 1
            lease = Lease(session_id=session_id, epoch=epoch, holder=holder, expires_at=now + ttl)
            unchanged = Item.id.does_not_exist() if found is None else Item.write_id == found.write_id
            try:
                self._items.put(_write(lease, unchanged))
            except Refused as refused:
                found = refused.stored
            else:
                return lease
        raise LeaseHeld

    def renew(self, lease: Lease, *, ttl: timedelta, now: datetime) -> Lease:
        """Extend one's own lease and store what it says besides; raise LeaseLost once a newer epoch is recorded."""
        renewed = replace(lease, expires_at=now + ttl)
        try:
            self._items.put(_write(renewed, _is_own(lease)))
        except Refused as refused:
            raise LeaseLost from refused
        return renewed

    def release(self, lease: Lease) -> None:
        """Let one's own lease expire and forget its control_url; nothing happens if a newer epoch is recorded."""
        with contextlib.suppress(Refused):
            self._items.put(_write(lease.released(self._clock.now()), _is_own(lease)))

    def get(self, session_id: str) -> Lease | None:
        """Give the lease of a session, valid or not, or None if nobody ever claimed it or it is forgotten."""
        return lease_of(self._items.get(lease_key(session_id)), self._clock.now())
