"""The warm pool in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.domain import times
from services.domain.clock import Clock
from services.domain.errors import VersionConflict
from services.domain.pool import (
    CLAIM_KEPT,
    DEAD_AFTER,
    FORGOTTEN_AFTER,
    IdleWorker,
    idle_worker_from_record,
    idle_worker_record,
)

_OFFER = (
    "INSERT INTO pool (id, zone, session_id, seen_at, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " zone = excluded.zone, seen_at = excluded.seen_at, record = excluded.record WHERE pool.session_id IS NULL"
)
# None is more likely than another: claimers of one moment, on other stores, would all run for the same one.
_FREE = "SELECT record FROM pool WHERE session_id IS NULL AND seen_at > ? ORDER BY zone = ? DESC, random() LIMIT 1"
_CLAIM = "UPDATE pool SET session_id = ?, record = ? WHERE id = ?"
_FORGET = "DELETE FROM pool WHERE seen_at <= CASE WHEN session_id IS NULL THEN ? ELSE ? END"


def _worker(text: str) -> IdleWorker:
    return idle_worker_from_record(decoded(text))


def _text(worker: IdleWorker) -> str:
    return encoded(idle_worker_record(worker))


class SqlitePool:
    """Keeps the rows of idle workers in one table."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        self._database = database
        self._clock = clock

    def offer(self, worker: IdleWorker) -> None:
        """Store an unclaimed worker's row or extend it; raise VersionConflict once it is claimed."""
        row = (worker.id, worker.zone, worker.session_id, times.text(worker.seen_at), _text(worker))
        with self._database.writing() as connection:
            self._forget(connection)
            if not connection.execute(_OFFER, row).rowcount:
                raise VersionConflict(f"the idle worker {worker.id} is claimed")

    def claim(self, channel_id: str, session_id: str, *, zone: str, now: datetime) -> IdleWorker | None:
        """Take a live idle worker for a session, one in `zone` before others, or None; each goes to one claimer."""
        with self._database.writing() as connection:
            found = connection.execute(_FREE, (times.text(now - DEAD_AFTER), zone)).fetchone()
            if found is None:
                return None
            worker = replace(_worker(found[0]), channel_id=channel_id, session_id=session_id)
            connection.execute(_CLAIM, (session_id, _text(worker), worker.id))
        return worker

    def get(self, worker_id: str) -> IdleWorker | None:
        """Give a row as it was stored last, or None."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT record FROM pool WHERE id = ?", (worker_id,)).fetchone()
        return None if row is None else _worker(row[0])

    def all(self) -> Sequence[IdleWorker]:
        """Give every row, dead and claimed ones too, by id."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT record FROM pool ORDER BY id").fetchall()
        return [_worker(text) for (text,) in rows]

    def remove(self, worker_id: str, *, unless_claimed: bool = False) -> None:
        """Forget a row; nothing happens where there is none. `unless_claimed`: raise VersionConflict if it is."""
        with self._database.writing() as connection:
            row = connection.execute("SELECT record FROM pool WHERE id = ?", (worker_id,)).fetchone()
            if row is not None and unless_claimed and _worker(row[0]).is_claimed:
                raise VersionConflict(f"the idle worker {worker_id} is claimed")
            connection.execute("DELETE FROM pool WHERE id = ?", (worker_id,))

    def _forget(self, connection: sqlite3.Connection) -> None:
        now = self._clock.now()
        connection.execute(_FORGET, (times.text(now - FORGOTTEN_AFTER), times.text(now - CLAIM_KEPT)))
