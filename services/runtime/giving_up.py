"""The end of a session that no worker will bring to its end: recorded by whoever has tried often enough."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.domain import times
from services.domain.channel_facts import channel_facts
from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, VersionConflict
from services.domain.event import SESSION_FAILED, Event, stream_of
from services.domain.outbox import Outbox
from services.domain.ports import ChannelStore, SessionStore
from services.domain.records import reason_record
from services.domain.session import Reason, Session

SEQUENCES_SKIPPED = 1_000_000
"""More than a session uses: the next one's playlist goes on behind whatever the failed one has written."""
DETAIL = "its workers died again and again while they finalised it; the log says of what"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivingUp:
    """Records that sessions have failed; its calls block. Without an `outbox` nothing is told of it."""

    sessions: SessionStore
    channels: ChannelStore
    outbox: Outbox | None
    clock: Clock

    def give_up(self, session: Session) -> None:
        """Record that a session has failed, and free its channel for the next; a session that changed is left alone."""
        now, air = self.clock.now(), self.sessions.air(session.channel_id)
        failed = session.failed(now, Reason(code="worker_failing", detail=DETAIL, since=now))
        freed = air.changed(
            session_id=None,
            media_sequence=air.media_sequence + SEQUENCES_SKIPPED,
            discontinuity_sequence=air.discontinuity_sequence + SEQUENCES_SKIPPED,
        )
        events = [] if self.outbox is None else self._events(failed, self.outbox)
        with contextlib.suppress(VersionConflict):  # somebody else is at it: who is to give up looks again
            self.sessions.save(session=failed, air=freed if air.session_id == session.id else None, events=events)

    def _events(self, failed: Session, outbox: Outbox) -> Sequence[Event]:
        """Give what tells of a session that fails now, under the next free number."""
        at = failed.ended_at or failed.started_at
        try:
            channel = self.channels.get(failed.channel_id)
        except ChannelNotFound:
            channel = None
        reason = reason_record(failed.state_reason)
        return [
            Event(
                id=f"{failed.id}/{SESSION_FAILED}",
                type=SESSION_FAILED,
                channel_id=failed.channel_id,
                session_id=failed.id,
                sequence=outbox.last(stream_of(failed.channel_id, failed.id)) + 1,
                at=at,
                data={"ended_at": times.text(at), "reason": reason, **channel_facts(channel)},
            )
        ]
