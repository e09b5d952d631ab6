"""The SQLite file and its connections."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from services.adapters import sqlite_schema
from services.adapters.sqlite_errors import translated
from services.domain.errors import StateUnavailable

BUSY_SECONDS = 5.0
"""How long a call waits for another writer, of this process or of another, before it gives up."""

IDLE_CONNECTIONS_MAX = 8
WAL_BYTES_MAX = 16 * 1024 * 1024  # the log file is cut back to this after a checkpoint


class Database:
    """One state file, for many threads and many processes.

    Readers never wait for a writer (WAL). Writers wait for each other for `busy_seconds`, then raise StateUnavailable.
    """

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the file, or create it and its folder, readable by its owner only."""
        self._path = path
        self._busy_seconds = busy_seconds
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._pool = threading.Lock()  # guards the two above
        self._writing = threading.Lock()
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = self._connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        # NORMAL: a kill loses nothing; a power cut may lose the last changes but leaves a whole file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_MAX}")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables that a new file, or one of an earlier schema, has not; refuse a file of a later one."""
        found = _schema_version(connection)
        if found < sqlite_schema.NEWEST:
            # One process makes them, the others wait. The switch to WAL waits for nobody: it would fail at once.
            with _alone(self._path):
                found = _schema_version(connection)
                if found < sqlite_schema.NEWEST:
                    connection.execute("PRAGMA journal_mode = WAL")
                    _upgrade(connection, found)
                    return
        if found > sqlite_schema.NEWEST:
            raise StateUnavailable(
                f"state file {self._path}: its schema {found} is newer than {sqlite_schema.NEWEST}, the newest known "
                "here; upgrade streamkeep or name another path"
            )

    def _take(self) -> sqlite3.Connection:
        with self._pool:
            if self._closed:
                raise StateUnavailable(f"state file {self._path}: it was closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._pool:
            if not self._closed and len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for one statement that reads; it takes no lock that a writer would meet."""
        with translated(self._path), self._borrowed() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction: committed at the block's end, undone if the block raises."""
        # Threads queue on a lock of ours, which is fair and prompt; SQLite's own wait between processes only polls.
        if not self._writing.acquire(timeout=self._busy_seconds):
            raise StateUnavailable(f"state file {self._path}: other writers of this process keep it busy")
        try:
            with translated(self._path), self._borrowed() as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close the file; calls that are under way end first, later ones raise StateUnavailable."""
        with self._pool:
            self._closed = True
            idle, self._idle = self._idle, []
        with translated(self._path):
            for connection in idle:
                connection.close()


def _schema_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file of `version` to the newest, wholly or not at all."""
    try:
        connection.executescript(sqlite_schema.steps_from(version))
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes that create or upgrade the same file waiting."""
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
