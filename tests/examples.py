"""Records to test with: each whole and valid, with what matters to a test given by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.channel import Channel
from services.domain.event import SNAPSHOT_CREATED, Event
from services.domain.secrets import Secret
from services.domain.session import Publisher, Session

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def a_channel(channel_id: str = "camera", /, **settings: Any) -> Channel:  # noqa: ANN401 - any field of the record
    """Give a channel made at NOW."""
    life = {"outdate": NOW + timedelta(days=365), "created_at": NOW, "updated_at": NOW}
    return Channel(**{"id": channel_id, **life, **settings})


def a_session(session_id: str = "session", /, **facts: Any) -> Session:  # noqa: ANN401 - any field of the record
    """Give a session of the channel `camera`, opened at NOW by its publisher."""
    opened = {"channel_id": "camera", "started_at": NOW, "pull_token": Secret("pull"), "publisher": a_publisher()}
    return Session(**{"id": session_id, **opened, **facts})


def a_publisher(client_id: str = "1", /, **facts: Any) -> Publisher:  # noqa: ANN401 - any field of the record
    """Give a connection that was accepted at NOW."""
    return Publisher(**{"gateway": "gw/1", "client_id": client_id, "address": "192.0.2.7", "accepted_at": NOW, **facts})


def a_picture(**facts: Any) -> Artifact:  # noqa: ANN401 - any field of the record
    """Give a snapshot of the channel `camera`, taken at NOW."""
    key = keys.dated(Kind.SNAPSHOT, "camera", "session", NOW)
    told = {"kind": Kind.SNAPSHOT, "key": key, "captured_at": NOW, "bytes": 10, "sha256": "0" * 64, "part": 0}
    return Artifact(**{**told, "width": 1280, "height": 720, **facts})


def an_event(sequence: int = 1, /, **facts: Any) -> Event:  # noqa: ANN401 - any field of the record
    """Give an event of the session `session` of the channel `camera`."""
    session_id = facts.get("session_id", "session")
    told = {"type": SNAPSHOT_CREATED, "channel_id": "camera", "session_id": "session", "at": NOW, "data": {}}
    return Event(**{"id": f"{session_id}/{sequence}", "sequence": sequence, **told, **facts})
