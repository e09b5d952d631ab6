"""Leases in SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.domain import times
from services.domain.clock import Clock
from services.domain.errors import LeaseHeld, LeaseLost
from services.domain.records import lease_from_record, lease_record
from services.domain.session import LEASE_KEPT, Lease

_STORE = (
    "INSERT INTO leases (session_id, epoch, record) VALUES (?, ?, ?)"
    " ON CONFLICT (session_id) DO UPDATE SET epoch = excluded.epoch, record = excluded.record"
)
_FORGET = "DELETE FROM leases WHERE record ->> 'expires_at' <= ?"


def _stored(connection: sqlite3.Connection, session_id: str) -> Lease | None:
    row = connection.execute("SELECT record FROM leases WHERE session_id = ?", (session_id,)).fetchone()
    return None if row is None else lease_from_record(decoded(row[0]))


def _forget(connection: sqlite3.Connection, now: datetime) -> None:
    connection.execute(_FORGET, (times.text(now - LEASE_KEPT),))


def _store(connection: sqlite3.Connection, lease: Lease) -> None:
    connection.execute(_STORE, (lease.session_id, lease.epoch, encoded(lease_record(lease))))


def _is_own(lease: Lease, stored: Lease | None) -> bool:
    return stored is not None and (stored.epoch, stored.holder) == (lease.epoch, lease.holder)


class SqliteLeases:
    """Keeps the one lease of each session."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        self._database = database
        self._clock = clock

    def claim(self, session_id: str, holder: str, *, ttl: timedelta, now: datetime) -> Lease:
        """Take the lease with the next epoch (from 1); raise LeaseHeld while another holder's is valid."""
        with self._database.writing() as connection:
            _forget(connection, self._clock.now())
            stored = _stored(connection, session_id)
            if stored is not None and stored.holder != holder and stored.is_valid(now):
                raise LeaseHeld
            epoch = 1 if stored is None else stored.epoch + 1
            lease = Lease(session_id=session_id, epoch=epoch, holder=holder, expires_at=now + ttl)
            _store(connection, lease)
        return lease

    def renew(self, lease: Lease, *, ttl: timedelta, now: datetime) -> Lease:
        """Extend one's own lease and store what it says besides; raise LeaseLost once a newer epoch is recorded."""
        renewed = replace(lease, expires_at=now + ttl)
        with self._database.writing() as connection:
            if not _is_own(lease, _stored(connection, lease.session_id)):
                raise LeaseLost
            _store(connection, renewed)
        return renewed

    def release(self, lease: Lease) -> None:
        """Let one's own lease expire and forget its control_url; nothing happens if a newer epoch is recorded."""
        with self._database.writing() as connection:
            if _is_own(lease, _stored(connection, lease.session_id)):
                _store(connection, lease.released(self._clock.now()))

    def get(self, session_id: str) -> Lease | None:
        """Give the lease of a session, valid or not, or None if nobody ever claimed it or it is forgotten."""
        with self._database.reading() as connection:
            lease = _stored(connection, session_id)
        return None if lease is None or lease.is_forgotten(self._clock.now()) else lease
