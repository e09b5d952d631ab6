"""Channels in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.adapters.sqlite_rows import page_start
from services.domain import times
from services.domain.channel import Channel
from services.domain.errors import AlreadyExists, ChannelNotFound, VersionConflict
from services.domain.ports import Position
from services.domain.records import channel_from_record, channel_to_store

_ADD = "INSERT INTO channels (id, version, created_at, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_REPLACE = "UPDATE channels SET version = ?, created_at = ?, record = ? WHERE id = ? AND version = ?"
_REMOVE = "DELETE FROM channels WHERE id = ? AND version = coalesce(?, version)"
_PAGE = "SELECT record FROM channels WHERE (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?"


def _channel(text: str) -> Channel:
    return channel_from_record(decoded(text))


def _refuse(connection: sqlite3.Connection, channel_id: str) -> None:
    """Raise why a statement about one version of a channel found no row."""
    if connection.execute("SELECT 1 FROM channels WHERE id = ?", (channel_id,)).fetchone() is None:
        raise ChannelNotFound(f"no channel has the id {channel_id!r}")
    raise VersionConflict(f"channel {channel_id} changed since it was read")


class SqliteChannels:
    """Keeps channels' settings in one table."""

    def __init__(self, database: Database) -> None:
        """Use `database`, which its owner closes."""
        self._database = database

    def add(self, channel: Channel) -> None:
        """Store a new channel; raise AlreadyExists if its id is taken."""
        row = (channel.id, channel.version, times.text(channel.created_at), encoded(channel_to_store(channel)))
        with self._database.writing() as connection:
            if not connection.execute(_ADD, row).rowcount:
                raise AlreadyExists(f"channel {channel.id} exists")

    def get(self, channel_id: str) -> Channel:
        """Give a channel; raise ChannelNotFound."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT record FROM channels WHERE id = ?", (channel_id,)).fetchone()
        if row is None:
            raise ChannelNotFound(f"no channel has the id {channel_id!r}")
        return _channel(row[0])

    def replace(self, channel: Channel) -> None:
        """Store the next version; raise VersionConflict unless the one before is stored, or ChannelNotFound."""
        row = (channel.version, times.text(channel.created_at), encoded(channel_to_store(channel)))
        with self._database.writing() as connection:
            if not connection.execute(_REPLACE, (*row, channel.id, channel.version - 1)).rowcount:
                _refuse(connection, channel.id)

    def remove(self, channel_id: str, version: int | None = None) -> None:
        """Forget a channel; raise ChannelNotFound, or VersionConflict if a `version` is given and is not stored."""
        with self._database.writing() as connection:
            if not connection.execute(_REMOVE, (channel_id, version)).rowcount:
                _refuse(connection, channel_id)

    def page(self, limit: int, after: Position | None = None) -> Sequence[Channel]:
        """Give up to `limit` channels by `created_at`, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_PAGE, (*page_start(after), limit)).fetchall()
        return [_channel(text) for (text,) in rows]
