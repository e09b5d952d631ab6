"""What state says about the sessions that are open: read in one go, judged without asking again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.domain import admission
from services.domain.channel import Channel
from services.domain.errors import ChannelNotFound, PublishRefused, SessionNotFound
from services.domain.ports import ChannelStore, LeaseStore, SessionStore
from services.domain.session import Air, Close, Lease, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One open session with what bears on it; `channel` is None once it is deleted."""

    session: Session
    channel: Channel | None
    air: Air
    lease: Lease | None

    def objection(self, now: datetime) -> str | None:
        """Give the code of why this session may not be on air, or None if it may."""
        if self.session.close is Close.STOP:
            return "stopped"
        if self.channel is None:
            return "deleted"
        try:
            admission.check_standing(self.channel, self.air, now)
        except PublishRefused as refusal:
            return refusal.code
        return None

    def has_worker(self, now: datetime) -> bool:
        """Say whether a worker holds the session's lease."""
        return self.lease is not None and self.lease.is_valid(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Reads state; its calls block."""

    channels: ChannelStore
    sessions: SessionStore
    leases: LeaseStore

    def open_sessions(self) -> Sequence[Sight]:
        """Give all that are open."""
        return [self._sight(session) for session in self.sessions.open_sessions()]

    def of_channel(self, channel_id: str) -> Sequence[Sight]:
        """Give the channel's open session, if there is one."""
        session_id = self.sessions.air(channel_id).session_id
        if session_id is None:
            return []
        try:
            session = self.sessions.get(session_id)
        except SessionNotFound:
            return []
        return [self._sight(session)] if session.state.is_open else []

    def _sight(self, session: Session) -> Sight:
        try:
            channel = self.channels.get(session.channel_id)
        except ChannelNotFound:
            channel = None
        return Sight(
            session=session,
            channel=channel,
            air=self.sessions.air(session.channel_id),
            lease=self.leases.get(session.id),
        )
