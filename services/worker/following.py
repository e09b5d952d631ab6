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
from services.domain.session import Reason, Session, SessionState

log = structlog.get_logger()

_ATTEMPTS = 8


@dataclass(slots=True, kw_only=True)
class Following:
    """What state says; `due` is set when the session shall be finalised, `replanned` when its plan has changed.

    While state is away the last reading stands, and capture goes on.
    """

    overview: Overview
    sessions: SessionStore
    clock: Clock
    channel: Channel
    session: Session
    reread_seconds: float
    due: asyncio.Event = field(default_factory=asyncio.Event)
    replanned: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)

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
            return self.reread_seconds
        left = (self.session.absent_since + self.plan().reconnect_window - self.clock.now()).total_seconds()
        return min(self.reread_seconds, max(0.05, left))

    async def read(self) -> None:
        """Read once."""
        try:
            self._take_over(*await asyncio.to_thread(self._followed))
            if self.session.is_due_to_end(self.clock.now(), self.plan().reconnect_window):
                await self._close_the_door()
        except StateUnavailable as error:
            log.warning("state_away", error=str(error))

    def _followed(self) -> tuple[Channel | None, Session]:
        """Ask the overview, which may not have heard of a session that was just opened."""
        try:
            return self.overview.follow(self.channel.id, self.session.id)
        except SessionNotFound:
            return None, self.sessions.get(self.session.id)

    def _take_over(self, channel: Channel | None, session: Session) -> None:
        """Believe what was read, unless it is older than what is known."""
        if session.version > self.session.version:
            self.session = session
        # A deleted channel's session is asked to stop; until then its settings stand.
        if channel is None or channel.version <= self.channel.version:
            return
        before, self.channel = self.plan(), channel
        if self.plan() != before:
            self.replanned.set()

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

        await self._change_if_reachable(mark)

    async def report(self, reason: Reason) -> None:
        """Record why nothing is captured, unless that stands there already."""

        def mark(session: Session) -> Session | None:
            is_known = session.state_reason is not None and session.state_reason.code == reason.code
            return None if is_known or not session.state.is_open else session.troubled(reason)

        await self._change_if_reachable(mark)

    async def _change_if_reachable(self, change: Callable[[Session], Session | None]) -> None:
        try:
            await self.change(change)
        except StateUnavailable as error:
            log.warning("state_away", error=str(error))

    async def change(self, change: Callable[[Session], Session | None]) -> None:
        """Apply `change` to what is stored, whoever else changes it; None from it leaves all as it is."""
        for _ in range(_ATTEMPTS):
            self.session = await asyncio.to_thread(self.sessions.get, self.session.id)
            changed = change(self.session)
            if changed is None:
                return
            try:
                await asyncio.to_thread(partial(self.sessions.save, session=changed))
            except VersionConflict:
                continue
            self.session = changed
            return
        log.warning("session_change_lost", session=self.session.id, attempts=_ATTEMPTS)
