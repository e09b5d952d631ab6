"""What is told of a session that has failed: by the gateway, because no worker will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.domain import times
from services.domain.channel_facts import channel_facts
from services.domain.errors import ChannelNotFound
from services.domain.event import SESSION_FAILED, Event, stream_of
from services.domain.outbox import Outbox
from services.domain.ports import ChannelStore
from services.domain.records import reason_record
from services.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Makes the event of a failure; it reads state, which blocks."""

    channels: ChannelStore
    outbox: Outbox

    def events(self, failed: Session) -> Sequence[Event]:
        """Give what tells of a session that fails now, under the next free number."""
        at = failed.ended_at or failed.started_at
        try:
            channel = self.channels.get(failed.channel_id)
        except ChannelNotFound:
            channel = None
        reason = reason_record(failed.state_reason)
        data = {"ended_at": times.text(at), "reason": reason, **channel_facts(channel)}
        sequence = self.outbox.last(stream_of(failed.channel_id, failed.id)) + 1
        return [
            Event(
                id=f"{failed.id}/{SESSION_FAILED}",
                type=SESSION_FAILED,
                channel_id=failed.channel_id,
                session_id=failed.id,
                sequence=sequence,
                at=at,
                data=data,
            )
        ]
