"""State in one SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from services.adapters.sqlite_channels import SqliteChannels
from services.adapters.sqlite_database import Database
from services.adapters.sqlite_gateways import SqliteGateways
from services.adapters.sqlite_leases import SqliteLeases
from services.adapters.sqlite_outbox import SqliteOutbox
from services.adapters.sqlite_overview import SqliteOverview
from services.adapters.sqlite_pool import SqlitePool
from services.adapters.sqlite_sessions import SqliteSessions
from services.domain.clock import Clock, SystemClock


class SqliteState:
    """Channels, sessions, leases and events in one file, for many threads and many processes; survives kill -9."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        """Open or create the file; raise StateUnavailable, saying what to do, if that cannot be done."""
        clock = clock or SystemClock()
        self._database = Database(path)
        self.channels = SqliteChannels(self._database)
        self.sessions = SqliteSessions(self._database, clock)
        self.leases = SqliteLeases(self._database, clock)
        self.overview = SqliteOverview(self._database, clock)
        self.outbox = SqliteOutbox(self._database, clock)
        self.gateways = SqliteGateways(self._database, clock)
        self.pool = SqlitePool(self._database, clock)

    def close(self) -> None:
        """Close the file; later calls raise StateUnavailable."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
