"""The outbox in SQLite: events that are not forgotten yet, and the streams that they are of."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.adapters.sqlite_letters import SqliteLetters
from services.domain import times
from services.domain.clock import Clock
from services.domain.event import Event, event_from_record, event_record
from services.domain.outbox import KEPT, Backlog
from services.domain.outbox_stream import OutboxStream, stream_from_record, stream_record

_STORE = (
    "INSERT INTO outbox_streams (stream, waiting_since, changed_at, record) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (stream) DO UPDATE SET"
    " waiting_since = excluded.waiting_since, changed_at = excluded.changed_at, record = excluded.record"
)
_ADD = "INSERT INTO outbox_events (stream, sequence, record) VALUES (?, ?, ?)"
_READ = "SELECT record FROM outbox_events WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?"
_FORGET = "DELETE FROM outbox_events WHERE stream = ? AND sequence <= ?"
_BACKLOGS = (
    "SELECT stream, record FROM outbox_streams WHERE waiting_since IS NOT NULL AND (waiting_since, stream) > (?, ?)"
    " ORDER BY waiting_since, stream LIMIT ?"
)
# A session's numbers end with it; a channel's go on.
_OLD = "FROM outbox_streams WHERE changed_at < ? AND stream LIKE 'session/%'"
_FORGET_OLD_EVENTS = f"DELETE FROM outbox_events WHERE stream IN (SELECT stream {_OLD})"  # noqa: S608 - no value in it
_FORGET_OLD_STREAMS = f"DELETE {_OLD}"

_BEFORE_ALL = ("", "")


def _stored(connection: sqlite3.Connection, stream: str) -> OutboxStream:
    row = connection.execute("SELECT record FROM outbox_streams WHERE stream = ?", (stream,)).fetchone()
    return OutboxStream(stream=stream) if row is None else stream_from_record(stream, decoded(row[0]))


def _store(connection: sqlite3.Connection, stream: OutboxStream, clock: Clock) -> None:
    since = None if stream.waiting_since is None else times.text(stream.waiting_since)
    row = (stream.stream, since, times.text(clock.now()), encoded(stream_record(stream)))
    connection.execute(_STORE, row)


def append(connection: sqlite3.Connection, events: Sequence[Event], clock: Clock) -> None:
    """Keep events in a transaction that is under way; raise SequenceTaken."""
    if not events:
        return
    stream = _stored(connection, events[0].stream)
    new = stream.new_among(events)
    if not new:
        return
    if stream.last == 0:
        _forget_old(connection, clock)
    connection.executemany(_ADD, [(each.stream, each.sequence, encoded(event_record(each))) for each in new])
    _store(connection, stream.appended(new, clock.now()), clock)


def _forget_old(connection: sqlite3.Connection, clock: Clock) -> None:
    """Forget streams of which nobody has asked for long."""
    before = (times.text(clock.now() - KEPT),)
    connection.execute(_FORGET_OLD_EVENTS, before)
    connection.execute(_FORGET_OLD_STREAMS, before)


class SqliteOutbox(SqliteLetters):
    """Keeps events in one table and their streams in another."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        super().__init__(database, clock)
        self._database = database
        self._clock = clock

    def last(self, stream: str) -> int:
        """Give the sequence of a stream's newest event, 0 if it never had one; also when all are delivered."""
        with self._database.reading() as connection:
            return _stored(connection, stream).last

    def append(self, events: Sequence[Event]) -> None:
        """Keep events of one stream; those that are kept already change nothing; raise SequenceTaken."""
        with self._database.writing() as connection:
            append(connection, events, self._clock)

    def backlogs(self, limit: int, *, after: Backlog | None = None) -> Sequence[Backlog]:
        """Give up to `limit` streams that have events left, those that have waited longest first."""
        place = _BEFORE_ALL if after is None else (times.text(after.since), after.stream)
        with self._database.reading() as connection:
            rows = connection.execute(_BACKLOGS, (*place, limit)).fetchall()
        backlogs = (stream_from_record(name, decoded(text)).backlog() for name, text in rows)
        return [backlog for backlog in backlogs if backlog is not None]

    def read(self, stream: str, after: int, limit: int) -> Sequence[Event]:
        """Give up to `limit` events of a stream that come after the sequence `after`, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(_READ, (stream, after, limit)).fetchall()
        return [event_from_record(decoded(text)) for (text,) in rows]

    def delivered(self, stream: str, sink: str, through: int) -> None:
        """Note that a sink has all events of a stream up to a sequence; it never goes back."""
        with self._database.writing() as connection:
            stored = _stored(connection, stream)
            changed = stored.with_delivered(sink, through)
            if changed is not stored:
                _store(connection, changed, self._clock)

    def forget(self, stream: str, through: int) -> None:
        """Drop a stream's events up to a sequence: all who shall have them do. Its numbers go on."""
        with self._database.writing() as connection:
            stored = _stored(connection, stream)
            changed = stored.without(through)
            if changed is not stored:
                connection.execute(_FORGET, (stream, changed.forgotten))
                _store(connection, changed, self._clock)
