"""The rounds: looks at the outbox again and again, and runs the lanes that are due."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from services.dispatcher.delivery import Delivery
from services.dispatcher.lane import Lane
from services.dispatcher.outlets import Outlets
from services.dispatcher.replays import Replays
from services.dispatcher.streams import Streams
from services.domain.errors import StateUnavailable
from services.runtime.threads import in_thread

log = structlog.get_logger()

STOP_SECONDS = 3.0  # for what is under way; who hangs longer is left behind, and its event sent again
STREAMS_A_SECOND = 2_000  # are looked at, at the most
AWAY_SECONDS = 1.0  # between two looks while state is away


@dataclass(slots=True, kw_only=True)
class Rounds:
    """Looks every `poll_seconds`; `wake` is set when lanes may be due before."""

    streams: Streams
    outlets: Outlets
    delivery: Delivery
    replays: Replays
    poll_seconds: float
    wake: asyncio.Event
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _is_away: bool = False

    async def run(self, ended: asyncio.Event) -> None:
        """Go on until `ended` is set, then wait a moment for what is under way."""
        replaying = asyncio.create_task(self._every(self.poll_seconds * 4, self.replays.round, ended), name="replays")
        try:
            look_at = 0.0
            while not ended.is_set():
                if time.monotonic() >= look_at:
                    look_at = time.monotonic()
                    await self._tried(self.streams.look)
                    self.delivery.counts.streams(self.streams.count)
                    self.delivery.burials.tell()
                    # Looks at thousands of streams, left by an outage, shall not take all of a core.
                    pause = max(self.poll_seconds, self.streams.count / STREAMS_A_SECOND)
                    look_at = max(look_at + pause, time.monotonic() + (AWAY_SECONDS if self._is_away else 0))
                self._start_due()
                await self._pause(look_at - time.monotonic(), ended)
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_SECONDS)
            await self._tried(self.streams.settle_all)
        finally:
            replaying.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(replaying, *self._running, return_exceptions=True)

    async def _every(self, seconds: float, call: Callable[[], None], ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self._tried(call)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), seconds)

    async def _tried(self, call: Callable[[], None]) -> None:
        """Ask state; that it is away is logged once."""
        try:
            await in_thread(call)
        except StateUnavailable as error:
            if not self._is_away:
                log.warning("state_away", error=str(error))
            self._is_away = True
        else:
            if self._is_away:
                log.info("state_back")
            self._is_away = False

    async def _pause(self, seconds: float, ended: asyncio.Event) -> None:
        """Wait until there may be something to do."""
        waits = [asyncio.ensure_future(self.wake.wait()), asyncio.ensure_future(ended.wait())]
        await asyncio.wait(waits, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self.wake.clear()

    def _start_due(self) -> None:
        for lane in self.streams.lanes():
            if lane.is_due(self.delivery) and self.outlets.has_room(lane.outlet):
                lane.is_running, lane.ran_at = True, time.monotonic()
                lane.outlet.running += 1
                task = asyncio.create_task(self._deliver(lane), name="lane")
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _deliver(self, lane: Lane) -> None:
        before = lane.progress
        try:
            await in_thread(lambda: lane.deliver(self.delivery))
        except StateUnavailable:
            pass  # the next look says so
        except Exception:
            log.exception("lane_failed", stream=lane.stream, sink=lane.outlet.name)
        finally:
            lane.is_running = False
            lane.outlet.running -= 1
        if lane.progress > before:
            self.wake.set()
