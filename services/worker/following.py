"""Follows the session and its channel in state: read again every few seconds, or at once when told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.domain import capture
from services.domain.capture import CapturePlan
from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.errors import SessionNotFound, StateUnavailable, VersionConflict
from services.domain.ports import Overview, SessionStore
from services.domain.session import Publisher, Reason, Session, SessionState
from services.domain.standing import Followed
from services.runtime.beat import until_beat
from services.worker.announcing.news import News
from services.worker.succession.tenure import Tenure

log = structlog.get_logger()

_ATTEMPTS = 8
SAY_SECONDS = 2.0
"""How long capture waits for state to take what it has to say; after that the next reading says it."""

Change = Callable[[Session], Session | None]


@dataclass(slots=True, kw_only=True)
class Following:
    """What state says; `due` is set when the session shall be finalised, `replanned` when its plan has changed.

    `arrived` is set when another publisher has come. While state is away the last reading stands, capture goes on, and
    what was to be recorded last is recorded when state is back.
    """

    overview: Overview
    sessions: SessionStore
    clock: Clock
    channel: Channel
    session: Session
    tenure: Tenure
    reread_seconds: float
    due: asyncio.Event = field(default_factory=asyncio.Event)
    replanned: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    news: News = field(default_factory=News)
    _unsaid: Change | None = None

    def plan(self) -> CapturePlan:
        """Give the plan by the last reading."""
        return capture.plan(self.channel)

    async def run(self) -> None:
        """Read until the session is due to end."""
        while not self.due.is_set():
            await self.read()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._next_reading()):
                    await self.told.wait()
            self.told.clear()

    def _next_reading(self) -> float:
        """Give the seconds until the next reading: sooner when the reconnect window ends before it."""
        if self.session.absent_since is None or self.session.publisher is not None:
            return until_beat(self.reread_seconds)
        left = (self.session.absent_since + self.plan().reconnect_window - self.clock.now()).total_seconds()
        return min(self.reread_seconds, max(0.05, left))

    async def read(self) -> None:
        """Read once, and record what could not be recorded before."""
        try:
            self._take_over(await asyncio.to_thread(self._followed))
            if self.tenure.lost.is_set():
                return  # a newer worker decides now
            if self._unsaid is not None:
                await self._record(self._unsaid)
            if self.session.is_due_to_end(self.clock.now(), self.plan().reconnect_window):
                await self._close_the_door()
        except StateUnavailable as error:
            log.warning("state_away", error=str(error))

    def _followed(self) -> Followed:
        """Ask the overview, which may not have heard of a session that was just opened."""
        try:
            return self.overview.follow(self.channel.id, self.session.id)
        except SessionNotFound:
            return Followed(channel=None, session=self.sessions.get(self.session.id), lease=None)

    def _take_over(self, followed: Followed) -> None:
        """Believe what was read, unless it is older than what is known."""
        self.tenure.see(followed.lease)
        if followed.session.version > self.session.version:
            self._know(followed.session)
        # A deleted channel's session is asked to stop; until then its settings stand.
        channel = followed.channel
        if channel is None or channel.version <= self.channel.version:
            return
        before, self.channel = self.plan(), channel
        if self.plan() != before:
            self.replanned.set()

    def _know(self, session: Session) -> None:
        """Take over a session that was read or stored just now."""
        before, self.session = self.session.publisher, session
        if session.publisher is not None and not _is_same(session.publisher, before):
            self.arrived.set()
        self.news.followed(session)

    async def _close_the_door(self) -> None:
        """Mark the session as being finalised, so that no publisher resumes it."""

        def close(session: Session) -> Session | None:
            is_due = session.is_due_to_end(self.clock.now(), self.plan().reconnect_window)
            return session.began_closing() if is_due and not session.closing else None

        await self.change(close)
        if self.session.closing or not self.session.state.is_open:
            self.due.set()

    async def went_live(self) -> None:
        """Record that media arrives."""

        def mark(session: Session) -> Session | None:
            is_known = session.state is SessionState.LIVE and session.state_reason is None
            return None if is_known or not session.state.is_open else session.went_live()

        await self._say(mark)

    async def report(self, reason: Reason, *, of: Publisher | None = None) -> None:
        """Record why nothing is captured, unless that stands there already, or is `of` a publisher who has left."""

        def mark(session: Session) -> Session | None:
            if of is not None and not _is_same(of, session.publisher):
                return None
            is_known = session.state_reason is not None and session.state_reason.code == reason.code
            return None if is_known or not session.state.is_open else session.troubled(reason)

        await self._say(mark)

    async def _say(self, change: Change) -> None:
        """Record a change, now or when state is back; it replaces what was left to be said."""
        self._unsaid = change
        try:
            async with asyncio.timeout(SAY_SECONDS):
                await self._record(change)
        except (StateUnavailable, TimeoutError) as error:
            log.warning("state_away", error=str(error) or f"no answer in {SAY_SECONDS:g} s")

    async def _record(self, change: Change) -> None:
        await self.change(change)
        if self._unsaid is change:  # else something newer waits
            self._unsaid = None

    async def change(self, change: Change) -> None:
        """Apply `change` to what is stored, whoever else changes it; None from it leaves all as it is."""
        for _ in range(_ATTEMPTS):
            session = await asyncio.to_thread(self.sessions.get, self.session.id)
            self._know(session)
            changed = change(session)
            if changed is None or changed is session:
                return
            try:
                await asyncio.to_thread(partial(self.sessions.save, session=changed))
            except VersionConflict:
                continue
            self._know(changed)
            return
        log.warning("session_change_lost", session=self.session.id, attempts=_ATTEMPTS)


def _is_same(one: Publisher, other: Publisher | None) -> bool:
    return other is not None and one.is_same_connection(other.gateway, other.client_id)
