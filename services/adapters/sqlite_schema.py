"""The schema of the SQLite file, step by step: a file of any version becomes one of the newest."""

from __future__ import annotations

_CHANNELS_SESSIONS_LEASES = """
CREATE TABLE channels (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, created_at TEXT NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX channels_newest ON channels (created_at, id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, channel_id TEXT NOT NULL, started_at TEXT NOT NULL,
    is_open INTEGER NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_newest ON sessions (started_at, id);
CREATE INDEX sessions_of_channel ON sessions (channel_id, started_at, id);
CREATE INDEX sessions_open ON sessions (started_at, id) WHERE is_open = 1;

CREATE TABLE airs (channel_id TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
CREATE TABLE leases (session_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
"""
_OUTBOX = """
CREATE TABLE outbox_streams (
    stream TEXT PRIMARY KEY, waiting_since TEXT, changed_at TEXT NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_waiting ON outbox_streams (waiting_since, stream) WHERE waiting_since IS NOT NULL;
CREATE INDEX outbox_changed ON outbox_streams (changed_at);

CREATE TABLE outbox_events (
    stream TEXT NOT NULL, sequence INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (stream, sequence)
) STRICT;

CREATE TABLE outbox_letters (
    id TEXT PRIMARY KEY, sink TEXT NOT NULL, at TEXT NOT NULL, replaying INTEGER NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_letters_newest ON outbox_letters (at, id);
CREATE INDEX outbox_letters_of_sink ON outbox_letters (sink, at, id);
CREATE INDEX outbox_letters_replaying ON outbox_letters (at, id) WHERE replaying = 1;
"""

_GATEWAYS_POOL = """
CREATE TABLE gateways (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
CREATE TABLE pool (
    id TEXT PRIMARY KEY, zone TEXT NOT NULL, session_id TEXT, seen_at TEXT NOT NULL, record TEXT NOT NULL
) STRICT;
CREATE INDEX pool_idle ON pool (seen_at) WHERE session_id IS NULL;
CREATE INDEX sessions_removed ON sessions (started_at, id) WHERE is_open = 2;
"""

STEPS = (_CHANNELS_SESSIONS_LEASES, _OUTBOX, _GATEWAYS_POOL)
"""The n-th makes a file of version n of one of version n - 1; version 0 is an empty file."""
NEWEST = len(STEPS)


def steps_from(version: int) -> str:
    """Give the one transaction that makes a file of `version` one of the newest."""
    return f"BEGIN IMMEDIATE; {''.join(STEPS[version:])} PRAGMA user_version = {NEWEST}; COMMIT;"
