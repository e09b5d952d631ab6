"""Launches: workers are started a few at a time, and no session that needs one is forgotten."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from services.domain.clock import Clock
from services.domain.errors import Unavailable
from services.domain.ports import Launcher, LaunchOrder
from services.domain.session import Session
from services.gateway.backoff import Backoff
from services.gateway.counts import Counts
from services.gateway.listeners import Listeners
from services.runtime.launch_claims import START_TIME, LaunchClaims
from services.runtime.threads import in_thread

log = structlog.get_logger()

QUEUE_ORDERS = 1024
START_SECONDS = 10.0
"""How long one start may occupy its place before the next begins; the worker itself is not given up."""
OTHERS_SECONDS = 5.0
"""How long a session is left to another that is starting its worker: if that fails, it is this one's turn."""
_GOOD_RUN = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class Launches:
    """Starts workers through the launcher, `concurrency` at a time.

    The queue is bounded: an order that finds it full is dropped, since the watch orders again every sweep
    for each open session without a worker.

    With `claims` others start workers as well, and what is started runs elsewhere, in `zone` if it can: a start is
    claimed first, is over for this one when it is accepted, and is not ordered again while it may still come to work.
    """

    launcher: Launcher
    listeners: Listeners
    clock: Clock
    counts: Counts
    concurrency: int
    queue_orders: int = QUEUE_ORDERS
    claims: LaunchClaims | None = None
    zone: str = ""
    _orders: asyncio.Queue[LaunchOrder] = field(init=False)
    _queued: set[str] = field(default_factory=set)
    _starting: dict[str, asyncio.Event] = field(default_factory=dict)
    _backoff: dict[str, Backoff] = field(default_factory=dict)
    _left_until: dict[str, float] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _succeeded: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the queue of the size asked for."""
        self._orders = asyncio.Queue(self.queue_orders)

    def order(self, session: Session) -> None:
        """Ask for a worker, unless one is being started or the session has to wait after a failure."""
        self._put(session, is_successor=False)

    def order_successor(self, session: Session, epoch: int) -> None:
        """Ask for a second worker, to which the one of this epoch hands over: once, and again if that one ends."""
        if self._succeeded.get(session.id) != epoch and self._put(session, is_successor=True):
            self._succeeded[session.id] = epoch

    def _put(self, session: Session, *, is_successor: bool) -> bool:
        backoff = self._backoff.get(session.id)
        is_too_early = backoff is not None and backoff.holds(self.clock.now())
        is_starting = (session.id in self._starting or self._is_left(session.id)) and not is_successor
        if session.id in self._queued or is_starting or is_too_early:
            return False
        order = LaunchOrder(
            channel_id=session.channel_id, session_id=session.id, is_successor=is_successor, zone=self.zone
        )
        try:
            self._orders.put_nowait(order)
        except asyncio.QueueFull:
            log.warning("launch_postponed", channel=session.channel_id, session=session.id, queued=self.queue_orders)
            return False
        self._queued.add(session.id)
        return True

    def failed(self, session_id: str) -> None:
        """Note that a session's worker died or did not start: its next start waits, longer each time."""
        now = self.clock.now()
        self._backoff.setdefault(session_id, Backoff(now)).grow(now, is_spread=self.claims is not None)
        self.ended(session_id)

    def ended(self, session_id: str) -> None:
        """Note that one of a session's workers is no more."""
        self._succeeded.pop(session_id, None)
        self._left_until.pop(session_id, None)
        settled = self._starting.pop(session_id, None)
        if settled is not None:
            settled.set()

    def failures(self, session_id: str) -> int:
        """Count the starts and workers in a row that came to nothing."""
        backoff = self._backoff.get(session_id)
        return 0 if backoff is None else backoff.failures

    def works(self, session_id: str) -> None:
        """Note that a session has a worker; one that has worked for a while has its failures forgotten."""
        self._left_until.pop(session_id, None)
        backoff = self._backoff.get(session_id)
        if backoff is not None and self.clock.now() > backoff.not_before + _GOOD_RUN:
            del self._backoff[session_id]

    def forget_all_but(self, open_sessions: frozenset[str]) -> None:
        """Drop what is kept about sessions that are over; one that failed just now may only not be seen yet."""
        now = self.clock.now()
        for session_id in self._backoff.keys() - open_sessions:
            if now > self._backoff[session_id].not_before + _GOOD_RUN:
                del self._backoff[session_id]
        running = self.launcher.running() or frozenset()
        for kept in (self._began, self._succeeded, self._left_until):
            for session_id in kept.keys() - open_sessions - running - self._starting.keys():
                del kept[session_id]

    def is_running(self, session_id: str) -> bool:
        """Say whether a worker of the session is known to run here."""
        return session_id in (self.launcher.running() or ())

    def began(self, session_id: str) -> float | None:
        """Give when (monotonic) the worker that runs here was started last, None if none is known to run."""
        return self._began.get(session_id) if self.is_running(session_id) else None

    def kill(self, session_id: str) -> None:
        """End the session's workers without asking; their ends are told like any other."""
        self.launcher.kill(session_id)

    async def run(self) -> None:
        """Start what is ordered, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.concurrency):
                group.create_task(self._start_orders(), name=f"launches {number}")

    async def _start_orders(self) -> None:
        while True:
            order = await self._orders.get()
            self._queued.discard(order.session_id)
            if order.is_successor:
                await self._start(order)  # and no more: the session's other worker pulls
                continue
            self._starting[order.session_id] = settled = asyncio.Event()
            try:
                if await self._start(order) and self.claims is None:
                    await self._until_settled(order.session_id, settled)
            finally:
                if self._starting.get(order.session_id) is settled:
                    del self._starting[order.session_id]

    async def _start(self, order: LaunchOrder) -> bool:
        """Start one worker; say whether there is a new one."""
        fields = {"channel": order.channel_id, "session": order.session_id}
        try:
            # What is asked over a network keeps no thread from the sweeps.
            is_new = await (asyncio.to_thread if self.claims is None else in_thread)(partial(self._launch, order))
        except Unavailable as error:
            log.warning("launch_failed", **fields, error=str(error))
            self.counts.launch_failed()
            self.failed(order.session_id)
            return False
        if self.claims is not None and not order.is_successor:
            seconds = START_TIME.total_seconds() if is_new else OTHERS_SECONDS
            self._left_until[order.session_id] = time.monotonic() + seconds
        if is_new:
            self.counts.launched()
            log.info("worker_launched", **fields, successor=order.is_successor)
        return is_new

    def _launch(self, order: LaunchOrder) -> bool:
        """Start a worker, unless the session's still runs and only does not pull at the moment."""
        if not order.is_successor and self.is_running(order.session_id):
            return False
        self._began[order.session_id] = time.monotonic()
        if self.claims is not None:
            return self.claims.launched(self.launcher, order)
        self.launcher.launch(order)
        return True

    def _is_left(self, session_id: str) -> bool:
        """Say whether what was started for the session, here or by another, may still come to work."""
        return time.monotonic() < self._left_until.get(session_id, 0.0)

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
