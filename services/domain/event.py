"""The event: something that happened to a channel or a session, as whoever subscribed is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.domain import times

SESSION_STARTED = "session.started"
SESSION_INTERRUPTED = "session.interrupted"
SESSION_RESUMED = "session.resumed"
SESSION_ENDED = "session.ended"
SESSION_FAILED = "session.failed"
SNAPSHOT_CREATED = "snapshot.created"
RECORDING_CREATED = "recording.created"
GAP_DECLARED = "gap.declared"
CHANNEL_BLOCKED = "channel.blocked"
TYPES = (
    SESSION_STARTED,
    SESSION_INTERRUPTED,
    SESSION_RESUMED,
    SESSION_ENDED,
    SESSION_FAILED,
    SNAPSHOT_CREATED,
    RECORDING_CREATED,
    GAP_DECLARED,
    CHANNEL_BLOCKED,
)

SPECIFICATION = "1.0"
MEDIA_TYPE = "application/cloudevents+json"
"""Of the structured mode of CloudEvents 1.0, https://github.com/cloudevents/spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One happening, of one of TYPES.

    `id` names the happening: who is told of it twice sees the same id. `sequence` counts from 1 within its `stream`,
    the session's or, for what is of no session, the channel's. `at` is when it happened, by the media clock where it is
    about media. `data` is plain JSON; with a `key` in it the sender adds a link that expires (`url`, `expires_at`).
    """

    id: str
    type: str
    channel_id: str
    session_id: str | None
    sequence: int
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a type that nobody could subscribe to."""
        if self.type not in TYPES:
            message = f"{self.type!r} is no type of an event; known are {', '.join(TYPES)}"
            raise ValueError(message)

    @property
    def stream(self) -> str:
        """Name what it is in order with."""
        return stream_of(self.channel_id, self.session_id)


def stream_of(channel_id: str, session_id: str | None) -> str:
    """Name the stream of a session's events, or of a channel's own."""
    return f"channel/{channel_id}" if session_id is None else f"session/{session_id}"


def event_record(event: Event) -> dict[str, Any]:
    """Give an event as JSON values."""
    return {
        "id": event.id,
        "type": event.type,
        "channel_id": event.channel_id,
        "session_id": event.session_id,
        "sequence": event.sequence,
        "at": times.text(event.at),
        "data": dict(event.data),
    }


def event_from_record(record: Mapping[str, Any]) -> Event:
    """Read an event back."""
    return Event(**{**record, "at": times.parse(record["at"])})


def envelope(event: Event, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the CloudEvents envelope (structured mode, JSON format) of an event, with `more` in its data.

    `sequence` is the extension of that name: integers, spelled in ten digits so that their text is in order too.
    """
    session = {} if event.session_id is None else {"session_id": event.session_id}
    return {
        "specversion": SPECIFICATION,
        "id": event.id,
        "source": f"/channels/{event.channel_id}",
        "type": event.type,
        "subject": str(event.data.get("key") or event.session_id or event.channel_id),
        "time": times.text(event.at),
        "datacontenttype": "application/json",
        "sequence": f"{event.sequence:010d}",
        "sequencetype": "Integer",
        "data": {"channel_id": event.channel_id, **session, **event.data, **(more or {})},
    }
