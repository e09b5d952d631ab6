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
_FIRST_DELAY = timedelta(0)  # a worker that dies once is replaced at once
_SECOND_DELAY = timedelta(seconds=0.5)
_LONGEST_DELAY = timedelta(seconds=30)
_GOOD_RUN = timedelta(seconds=30)


@dataclass(slots=True)
class _Backoff:
    """When a session's next start may be tried."""

    not_before: datetime
    delay: timedelta = _FIRST_DELAY
    failures: int = 0

    def grow(self, now: datetime) -> None:
        self.failures += 1
        self.not_before = now + self.delay
        self.delay = min(max(self.delay * 2, _SECOND_DELAY), _LONGEST_DELAY)


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
    queue_orders: int = QUEUE_ORDERS
    _orders: asyncio.Queue[LaunchOrder] = field(init=False)
    _queued: set[str] = field(default_factory=set)
    _starting: dict[str, asyncio.Event] = field(default_factory=dict)
    _backoff: dict[str, _Backoff] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the queue of the size asked for."""
        self._orders = asyncio.Queue(self.queue_orders)

    def order(self, session: Session) -> None:
        """Ask for a worker, unless one is being started or the session has to wait after a failure."""
        backoff = self._backoff.get(session.id)
        is_too_early = backoff is not None and self.clock.now() < backoff.not_before
        if session.id in self._queued or session.id in self._starting or is_too_early:
            return
        try:
            self._orders.put_nowait(LaunchOrder(channel_id=session.channel_id, session_id=session.id))
        except asyncio.QueueFull:
            log.warning("launch_postponed", channel=session.channel_id, session=session.id, queued=self.queue_orders)
            return
        self._queued.add(session.id)

    def failed(self, session_id: str) -> None:
        """Note that a session's worker died or did not start: its next start waits, longer each time."""
        now = self.clock.now()
        self._backoff.setdefault(session_id, _Backoff(now)).grow(now)
        settled = self._starting.pop(session_id, None)
        if settled is not None:
            settled.set()

    def failures(self, session_id: str) -> int:
        """Count the starts and workers in a row that came to nothing."""
        backoff = self._backoff.get(session_id)
        return 0 if backoff is None else backoff.failures

    def works(self, session_id: str) -> None:
        """Note that a session has a worker; one that has worked for a while has its failures forgotten."""
        backoff = self._backoff.get(session_id)
        if backoff is not None and self.clock.now() > backoff.not_before + _GOOD_RUN:
            del self._backoff[session_id]

    def forget_all_but(self, open_sessions: frozenset[str]) -> None:
        """Drop what is kept about sessions that are over; one that failed just now may only not be seen yet."""
        now = self.clock.now()
        for session_id in self._backoff.keys() - open_sessions:
            if now > self._backoff[session_id].not_before + _GOOD_RUN:
                del self._backoff[session_id]

    async def run(self) -> None:
        """Start what is ordered, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.concurrency):
                group.create_task(self._start_orders(), name=f"launches {number}")

    async def _start_orders(self) -> None:
        while True:
            order = await self._orders.get()
            self._queued.discard(order.session_id)
            self._starting[order.session_id] = settled = asyncio.Event()
            try:
                if await asyncio.to_thread(self._launch, order):
                    log.info("worker_launched", channel=order.channel_id, session=order.session_id)
                    await self._until_settled(order.session_id, settled)
            except LaunchFailed as error:
                log.warning("launch_failed", channel=order.channel_id, session=order.session_id, error=str(error))
                self.failed(order.session_id)
            finally:
                if self._starting.get(order.session_id) is settled:
                    del self._starting[order.session_id]

    def _launch(self, order: LaunchOrder) -> bool:
        """Start a worker, unless the session's still runs and only does not pull at the moment."""
        if order.session_id in (self.launcher.running() or ()):
            return False
        self.launcher.launch(order)
        return True

    async def _until_settled(self, session_id: str, settled: asyncio.Event) -> None:
        """Return when the worker pulls, when it has died, or when it takes too long."""
        outcomes = [
            asyncio.create_task(self.listeners.wait(session_id, START_SECONDS)),
            asyncio.create_task(settled.wait()),
        ]
        try:
            await asyncio.wait(outcomes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for outcome in outcomes:
                outcome.cancel()
