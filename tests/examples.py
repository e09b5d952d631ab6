"""Records to test with: each whole and valid, with what matters to a test given by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.domain.channel import Channel
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
