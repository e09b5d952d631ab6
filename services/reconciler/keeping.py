"""Applies channels' retention, and finishes takedowns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.domain import retention
from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, VersionConflict
from services.domain.ports import ChannelStore, Position, SessionStore
from services.domain.session import Session
from services.reconciler.erasing import Eraser, OutOfCalls

log = structlog.get_logger()

PAGE = 100
"""Sessions that one step looks at: the cost of looking is the same however many there are."""
PASS_EVERY = timedelta(minutes=10)
"""How soon after a pass through all sessions has begun the next one may; a time is over by days, not by minutes."""


@dataclass(slots=True, kw_only=True)
class Keeping:
    """Walks through all sessions, a page a step, round and round; every call blocks.

    A session's own record says which kinds are shown no more before anything of them is removed, so that no list names
    what is gone, and a kill leaves work that the next pass finds.
    """

    channels: ChannelStore
    sessions: SessionStore
    eraser: Eraser
    clock: Clock
    page: int = PAGE
    pass_every: timedelta = PASS_EVERY
    _began: datetime | None = None
    _after: Position | None = None
    _is_passing: bool = False

    def step(self) -> None:
        """Do a bounded share: takedowns first, then a page of retention; raise Unavailable."""
        self.eraser.begin()
        try:
            for session in self.sessions.removals():
                self._remove(session)
            self._look_at_a_page()
        except OutOfCalls:
            log.info("erasing_goes_on")

    def _remove(self, session: Session) -> None:
        try:
            self.eraser.remove(session)
        except VersionConflict:
            log.info("session_changed_meanwhile", session=session.id)

    def _look_at_a_page(self) -> None:
        """Go on through the list; a page of which something is left to be done is looked at again."""
        now = self.clock.now()
        if not self._is_passing:
            if self._began is not None and now < self._began + self.pass_every:
                return
            self._began, self._after, self._is_passing = now, None, True
        found = self.sessions.page(self.page, after=self._after)
        channels: dict[str, Channel | None] = {}
        for session in found:
            if not session.state.is_open and session.hold is None and session.ended_at is not None:
                if session.channel_id not in channels:
                    channels[session.channel_id] = self._channel(session.channel_id)
                self._apply(session, channels[session.channel_id])
        self._is_passing = len(found) == self.page
        if found:
            self._after = Position(at=found[-1].started_at, id=found[-1].id)

    def _channel(self, channel_id: str) -> Channel | None:
        """Give the channel's settings; what a deleted one's sessions stored is kept until they are taken down."""
        try:
            return self.channels.get(channel_id)
        except ChannelNotFound:
            return None

    def _apply(self, session: Session, channel: Channel | None) -> None:
        if channel is None or session.ended_at is None:
            return
        kinds = retention.over(channel.retention, session.ended_at, self.clock.now(), is_on_demand=channel.is_on_demand)
        expired = session.with_expired(kinds)
        if expired is not session:
            try:
                self.sessions.save(session=expired)
            except VersionConflict:
                return  # held or taken down meanwhile: the next pass sees it
            log.info("session_expired", session=session.id, channel=session.channel_id, kinds=sorted(kinds))
        left = expired.expired - expired.erased
        if left:
            self.eraser.erase(expired, left)
