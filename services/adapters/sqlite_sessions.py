"""Sessions in SQLite, and what each channel is doing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from services.adapters import sqlite_outbox
from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.adapters.sqlite_rows import page_start
from services.domain import times
from services.domain.clock import Clock
from services.domain.errors import SequenceTaken, SessionNotFound, VersionConflict
from services.domain.event import Event
from services.domain.ports import Position
from services.domain.records import air_from_record, air_record, session_from_record, session_record
from services.domain.session import Air, Session

_ADD = (
    "INSERT INTO sessions (version, is_open, record, channel_id, started_at, id) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_REPLACE = "UPDATE sessions SET version = ?, is_open = ?, record = ? WHERE id = ? AND version = ?"
_ADD_AIR = "INSERT INTO airs (version, record, channel_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_REPLACE_AIR = "UPDATE airs SET version = ?, record = ? WHERE channel_id = ? AND version = ?"
_PAGE = (
    "SELECT record FROM sessions WHERE (started_at, id) < (?, ?) AND is_open < 2"
    " ORDER BY started_at DESC, id DESC LIMIT ?"
)
_PAGE_OF_CHANNEL = (
    "SELECT record FROM sessions WHERE channel_id = ? AND (started_at, id) < (?, ?) AND is_open < 2"
    " ORDER BY started_at DESC, id DESC LIMIT ?"
)
_OPEN = "SELECT record FROM sessions WHERE is_open = 1 ORDER BY started_at DESC, id DESC"
_REMOVED = "SELECT record FROM sessions WHERE is_open = 2 ORDER BY started_at DESC, id DESC"
_FORGET = "DELETE FROM sessions WHERE id = ? AND version = ?"


def _session(text: str) -> Session:
    return session_from_record(decoded(text))


def _standing(session: Session) -> int:
    """Give 1 for a session that is open, 2 for one that is to be removed, 0 for others."""
    return 1 if session.state.is_open else 0 if session.removed_at is None else 2


def _save_session(connection: sqlite3.Connection, session: Session) -> None:
    row = (session.version, _standing(session), encoded(session_record(session)))
    if session.version == 1:
        place = (session.channel_id, times.text(session.started_at), session.id)
        cursor = connection.execute(_ADD, (*row, *place))
    else:
        cursor = connection.execute(_REPLACE, (*row, session.id, session.version - 1))
    if not cursor.rowcount:
        raise VersionConflict(f"session {session.id} changed since it was read")


def _save_air(connection: sqlite3.Connection, air: Air) -> None:
    row = (air.version, encoded(air_record(air)), air.channel_id)
    if air.version == 1:
        cursor = connection.execute(_ADD_AIR, row)
    else:
        cursor = connection.execute(_REPLACE_AIR, (*row, air.version - 1))
    if not cursor.rowcount:
        raise VersionConflict(f"what channel {air.channel_id} is doing changed since it was read")


class SqliteSessions:
    """Keeps sessions in one table and what channels are doing in another."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        self._database = database
        self._clock = clock

    def air(self, channel_id: str) -> Air:
        """Give what a channel is doing; a channel never seen gives an Air of version 0."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT record FROM airs WHERE channel_id = ?", (channel_id,)).fetchone()
        return Air(channel_id=channel_id) if row is None else air_from_record(decoded(row[0]))

    def get(self, session_id: str) -> Session:
        """Give a session; raise SessionNotFound."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT record FROM sessions WHERE id = ?", (session_id,)).fetchone()
        if row is None:
            raise SessionNotFound(f"no session has the id {session_id!r}")
        return _session(row[0])

    def save(self, *, session: Session | None = None, air: Air | None = None, events: Sequence[Event] = ()) -> None:
        """Store the next version of either or of both, and what it tells, all or nothing; raise VersionConflict."""
        with self._database.writing() as connection:
            if session is not None:
                _save_session(connection, session)
            if air is not None:
                _save_air(connection, air)
            try:
                sqlite_outbox.append(connection, events, self._clock)
            except SequenceTaken as taken:
                raise VersionConflict(str(taken)) from taken

    def page(self, limit: int, *, channel_id: str | None = None, after: Position | None = None) -> Sequence[Session]:
        """Give up to `limit` sessions by `started_at`, newest first."""
        place = (*page_start(after), limit)
        with self._database.reading() as connection:
            if channel_id is None:
                rows = connection.execute(_PAGE, place).fetchall()
            else:
                rows = connection.execute(_PAGE_OF_CHANNEL, (channel_id, *place)).fetchall()
        return [_session(text) for (text,) in rows]

    def open_sessions(self) -> Sequence[Session]:
        """Give every session that has not ended or failed, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_OPEN).fetchall()
        return [_session(text) for (text,) in rows]

    def removals(self) -> Sequence[Session]:
        """Give every session that was taken down and is still stored, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_REMOVED).fetchall()
        return [_session(text) for (text,) in rows]

    def forget(self, session: Session) -> None:
        """Forget a session for good; raise VersionConflict unless this version is stored."""
        with self._database.writing() as connection:
            if not connection.execute(_FORGET, (session.id, session.version)).rowcount:
                raise VersionConflict(f"session {session.id} changed since it was read")
