"""What is told of a ban."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain import times
from services.domain.channel_facts import channel_facts
from services.domain.errors import ChannelNotFound
from services.domain.event import CHANNEL_BLOCKED, Event, stream_of
from services.domain.session import Block
from services.metadata.wiring import Wiring


def events_of(wiring: Wiring, channel_id: str, ban: Block, session_id: str | None) -> Sequence[Event]:
    """Give what tells of a channel's ban that ends a session, or None, under the next free number."""
    if not wiring.tells_events:
        return []
    try:
        channel = wiring.channels.get(channel_id)
    except ChannelNotFound:
        channel = None
    since = times.text(ban.since)
    data = {
        "block_until": None if ban.until is None else times.text(ban.until),
        "reason": ban.reason,
        "ended_session_id": session_id,
        **channel_facts(channel),
    }
    sequence = wiring.outbox.last(stream_of(channel_id, None)) + 1
    return [
        Event(
            id=f"{channel_id}/{CHANNEL_BLOCKED}/{since}",
            type=CHANNEL_BLOCKED,
            channel_id=channel_id,
            session_id=None,
            sequence=sequence,
            at=ban.since,
            data=data,
        )
    ]
