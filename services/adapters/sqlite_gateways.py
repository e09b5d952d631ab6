"""The gateways' rows in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.domain import times
from services.domain.clock import Clock
from services.domain.gateways import FORGOTTEN_AFTER, Gateway, gateway_from_record, gateway_record

_STORE = "INSERT INTO gateways (name, record) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record"
_FORGET = "DELETE FROM gateways WHERE record ->> 'seen_at' <= ?"
_REMEMBERED = 256


class SqliteGateways:
    """Keeps a row for each life of a gateway."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        self._database = database
        self._clock = clock

    def put(self, gateway: Gateway) -> None:
        """Store a gateway's own row, whatever was there, and forget old ones; raise InvalidInput if it is too large."""
        record = encoded(gateway_record(gateway))
        with self._database.writing() as connection:
            connection.execute(_FORGET, (times.text(self._clock.now() - FORGOTTEN_AFTER),))
            connection.execute(_STORE, (gateway.name, record))

    def get(self, name: str) -> Gateway | None:
        """Give a row as it was stored last, or None."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT record FROM gateways WHERE name = ?", (name,)).fetchone()
        gateway = None if row is None else _gateway(row[0])
        return None if gateway is None or gateway.is_forgotten(self._clock.now()) else gateway

    def all(self) -> Sequence[Gateway]:
        """Give every row, dead ones too, by name."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT record FROM gateways ORDER BY name").fetchall()
        now = self._clock.now()
        return [gateway for gateway in (_gateway(row[0]) for row in rows) if not gateway.is_forgotten(now)]

    def remove(self, name: str) -> None:
        """Forget a row; nothing happens where there is none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM gateways WHERE name = ?", (name,))


@lru_cache(_REMEMBERED)
def _gateway(text: str) -> Gateway:
    return gateway_from_record(decoded(text))
