"""Channels, sessions and leases in SQLite, read together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from services.adapters.record_text import decoded
from services.adapters.sqlite_database import Database
from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.errors import SessionNotFound
from services.domain.records import (
    air_from_record,
    channel_from_record,
    lease_from_record,
    session_from_record,
)
from services.domain.session import Air, Lease, Session
from services.domain.standing import Followed, Standing

_OF_CHANNELS = """
SELECT named.value, channels.record, airs.record, sessions.record, leases.record
FROM json_each(?) AS named
LEFT JOIN channels ON channels.id = named.value
LEFT JOIN airs ON airs.channel_id = named.value
LEFT JOIN sessions ON sessions.id = airs.record ->> 'session_id' AND sessions.is_open = 1
LEFT JOIN leases ON leases.session_id = sessions.id
ORDER BY named.key
"""
_OPEN = """
SELECT sessions.channel_id, channels.record, airs.record, sessions.record, leases.record
FROM sessions
LEFT JOIN channels ON channels.id = sessions.channel_id
LEFT JOIN airs ON airs.channel_id = sessions.channel_id
LEFT JOIN leases ON leases.session_id = sessions.id
WHERE sessions.is_open = 1
ORDER BY sessions.started_at DESC, sessions.id DESC
"""
_PULLS = """
SELECT airs.channel_id, channels.record, airs.record, sessions.record, leases.record
FROM airs
LEFT JOIN channels ON channels.id = airs.channel_id
LEFT JOIN sessions ON sessions.id = airs.record ->> 'session_id' AND sessions.is_open = 1
LEFT JOIN leases ON leases.session_id = sessions.id
WHERE airs.record ->> 'pull' IS NOT NULL
"""
_FOLLOW = """
SELECT channels.record, sessions.record, leases.record
FROM sessions
LEFT JOIN channels ON channels.id = ?
LEFT JOIN leases ON leases.session_id = sessions.id
WHERE sessions.id = ?
"""

REMEMBERED = 1024
"""So many records of each kind are kept as they were read: most are read again soon and have not changed."""

_Texts = tuple[str, str | None, str | None, str | None, str | None]


class SqliteOverview:
    """Reads across the tables, each time in one statement."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        self._database = database
        self._clock = clock

    def of_channels(self, channel_ids: Sequence[str]) -> Sequence[Standing]:
        """Give what bears on each of the channels, in their order."""
        with self._database.reading() as connection:
            rows = connection.execute(_OF_CHANNELS, (json.dumps(list(channel_ids)),)).fetchall()
        return [self._standing(row) for row in rows]

    def open_sessions(self) -> Sequence[Standing]:
        """Give what bears on every session that has not ended or failed, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(_OPEN).fetchall()
        return [self._standing(row) for row in rows]

    def pulls(self) -> Sequence[Standing]:
        """Give what bears on every channel whose source is to be fetched."""
        with self._database.reading() as connection:
            rows = connection.execute(_PULLS).fetchall()
        return [self._standing(row) for row in rows]

    def follow(self, channel_id: str, session_id: str) -> Followed:
        """Give what a session's worker follows; raise SessionNotFound."""
        with self._database.reading() as connection:
            row = connection.execute(_FOLLOW, (channel_id, session_id)).fetchone()
        if row is None:
            raise SessionNotFound(f"no session has the id {session_id!r}")
        channel, session, lease = row
        return Followed(channel=_channel(channel), session=_session(session), lease=self._lease(lease))

    def _standing(self, row: _Texts) -> Standing:
        channel_id, channel, air, session, lease = row
        return Standing(
            channel=_channel(channel),
            air=Air(channel_id=channel_id) if air is None else air_from_record(decoded(air)),
            session=None if session is None else _session(session),
            lease=self._lease(lease),
        )

    def _lease(self, text: str | None) -> Lease | None:
        lease = None if text is None else _lease(text)
        return None if lease is None or lease.is_forgotten(self._clock.now()) else lease


@lru_cache(REMEMBERED)
def _channel(text: str | None) -> Channel | None:
    return None if text is None else channel_from_record(decoded(text))


@lru_cache(REMEMBERED)
def _session(text: str) -> Session:
    return session_from_record(decoded(text))


@lru_cache(REMEMBERED)
def _lease(text: str) -> Lease:
    return lease_from_record(decoded(text))
