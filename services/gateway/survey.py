"""What state says about the sessions that are open: read in one go, judged without asking again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.domain import admission
from services.domain.channel import Channel
from services.domain.errors import ChannelNotFound, PublishRefused, SessionNotFound
from services.domain.ports import ChannelStore, LeaseStore, Overview, SessionStore
from services.domain.session import Air, Close, Lease, Session
from services.domain.standing import Standing
from services.runtime.process_name import is_over


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
        """Say whether a worker holds the session's lease; one of this machine that is over holds nothing."""
        return self.lease is not None and self.lease.is_valid(now) and not is_over(self.lease.holder)


def _sights(standings: Iterable[Standing]) -> list[Sight]:
    return [
        Sight(session=each.session, channel=each.channel, air=each.air, lease=each.lease)
        for each in standings
        if each.session is not None
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Reads state; its calls block."""

    channels: ChannelStore
    sessions: SessionStore
    leases: LeaseStore
    overview: Overview

    def open_sessions(self) -> Sequence[Sight]:
        """Give all that are open, each as it was a moment ago: nobody is cut for what this says."""
        return _sights(self.overview.open_sessions())

    def of_channels(self, channel_ids: Collection[str]) -> Sequence[Sight]:
        """Give those of the channels, each as it was a moment ago."""
        return _sights(self.overview.of_channels(sorted(channel_ids))) if channel_ids else []

    def of_channel(self, channel_id: str) -> Sight | None:
        """Give the channel's open session as it is stored now, if there is one."""
        session_id = self.sessions.air(channel_id).session_id
        return None if session_id is None else self.of_session(session_id)

    def of_session(self, session_id: str) -> Sight | None:
        """Give a session as it is stored now, if it is open."""
        try:
            session = self.sessions.get(session_id)
        except SessionNotFound:
            return None
        if not session.state.is_open:
            return None
        try:
            channel = self.channels.get(session.channel_id)
        except ChannelNotFound:
            channel = None
        air, lease = self.sessions.air(session.channel_id), self.leases.get(session.id)
        return Sight(session=session, channel=channel, air=air, lease=lease)
