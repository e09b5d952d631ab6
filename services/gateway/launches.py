"""Launches: workers are started a few at a time, and no session that needs one is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.domain.clock import Clock
from services.domain.errors import LaunchFailed
from services.domain.ports import Launcher, LaunchOrder
from services.domain.session import Session
from services.gateway.listeners import Listeners

log = structlog.get_logger()

QUEUE_ORDERS = 1024
START_SECONDS = 10.0
"""How long one start may occupy its place before the next begins; the worker itself is not given up."""
_FIRST_DELAY = timedelta(seconds=0.5)
_LONGEST_DELAY = timedelta(seconds=30)
_GOOD_RUN = timedelta(seconds=30)


@dataclass(slots=True)
class _Backoff:
    """When a session's next start may be tried."""

    delay: timedelta = _FIRST_DELAY
    not_before: datetime | None = None

    def grow(self, now: datetime) -> None:
        self.not_before = now + self.delay
        self.delay = min(self.delay * 2, _LONGEST_DELAY)


@dataclass(slots=True, kw_only=True)
class Launches:
    """Starts workers through the launcher, `concurrency` at a time.

    The queue is bounded: an order that finds it full is dropped, since the watch orders again every sweep
    for each open session without a worker.
    """

    launcher: Launcher
    listeners: Listeners
    clock: Clock
    concurrency: int
    _queue: asyncio.Queue[LaunchOrder] = field(default_factory=lambda: asyncio.Queue(QUEUE_ORDERS))
    _pending: set[str] = field(default_factory=set)
    _backoff: dict[str, _Backoff] = field(default_factory=dict)

    def order(self, session: Session) -> None:
        """Ask for a worker, unless one is being started or the session has to wait after a failure."""
        backoff = self._backoff.get(session.id)
        too_early = backoff is not None and backoff.not_before is not None and self.clock.now() < backoff.not_before
        if session.id in self._pending or too_early:
            return
        try:
            self._queue.put_nowait(LaunchOrder(channel_id=session.channel_id, session_id=session.id))
        except asyncio.QueueFull:
            log.warning("launch_postponed", session=session.id, queued=QUEUE_ORDERS)
            return
        self._pending.add(session.id)

    def is_pending(self, session_id: str) -> bool:
        """Say whether a start is queued or under way."""
        return session_id in self._pending

    def failed(self, session_id: str) -> None:
        """Note that a session's worker died or did not start: its next start waits, longer each time."""
        self._backoff.setdefault(session_id, _Backoff()).grow(self.clock.now())

    def forget(self, open_sessions: frozenset[str]) -> None:
        """Drop what is kept about sessions that are over."""
        for session_id in self._backoff.keys() - open_sessions:
            del self._backoff[session_id]

    def recovered(self, session_id: str) -> None:
        """Forget a session's failures once its worker has worked for a while."""
        backoff = self._backoff.get(session_id)
        if backoff is not None and backoff.not_before is not None and self.clock.now() > backoff.not_before + _GOOD_RUN:
            del self._backoff[session_id]

    async def run(self) -> None:
        """Start what is ordered, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.concurrency):
                group.create_task(self._start_orders(), name=f"launches {number}")

    async def _start_orders(self) -> None:
        while True:
            order = await self._queue.get()
            try:
                await asyncio.to_thread(self.launcher.launch, order)
                log.info("worker_launched", channel=order.channel_id, session=order.session_id)
                await self.listeners.wait(order.session_id, START_SECONDS)
            except LaunchFailed as error:
                log.warning("launch_failed", channel=order.channel_id, session=order.session_id, error=str(error))
                self.failed(order.session_id)
            finally:
                self._pending.discard(order.session_id)
