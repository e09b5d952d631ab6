"""A burst: several pictures, one after the other, for a second look at what is on air."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.domain import times
from services.domain.clock import Clock, SystemClock
from services.worker.asks import Asks, TooManyAsks
from services.worker.taking import NothingToTake, NotNow, Taken

log = structlog.get_logger()


class BurstRuns(Exception):
    """Another burst is under way."""

    def __init__(self, until: datetime) -> None:
        """Say until when."""
        super().__init__(f"another burst of this channel runs until {times.text(until)}; come again then")


@dataclass(slots=True)
class Bursts:
    """Takes one burst at a time; each of its pictures is half an interval old at the most."""

    asks: Asks
    clock: Clock = field(default_factory=SystemClock)
    _until: datetime | None = None
    _task: asyncio.Task[None] | None = None

    async def begin(self, count: int, interval: float) -> tuple[Taken, datetime]:
        """Take the first of `count` pictures, `interval` seconds apart; give it, and when the last is due.

        Raise BurstRuns, NothingToTake, NotNow, TooManyAsks, or TimeoutError.
        """
        if self._until is not None:
            raise BurstRuns(self._until)
        self._until = self.clock.now() + timedelta(seconds=(count - 1) * interval)
        began = asyncio.get_running_loop().time()
        try:
            first = await self.asks.take(interval / 2)
        except BaseException:
            self._until = None
            raise
        until = self._until
        due = [began + number * interval for number in range(1, count)]
        self._task = asyncio.create_task(self._go_on(due, interval / 2), name="burst")
        return first, until

    async def done(self) -> None:
        """Wait until no burst is under way."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def close(self) -> None:
        """Take no more."""
        if self._task is not None:
            self._task.cancel()
            await self.done()

    async def _go_on(self, due: list[float], max_age: float) -> None:
        try:
            for moment in due:
                await asyncio.sleep(moment - asyncio.get_running_loop().time())
                await self._take(max_age)
        finally:
            self._until = None

    async def _take(self, max_age: float) -> None:
        """Take one; a picture that cannot be had now is left out, the next may be there."""
        try:
            await self.asks.take(max_age)
        except (NothingToTake, NotNow, TooManyAsks, TimeoutError) as error:
            log.warning("burst_picture_missed", error=str(error) or type(error).__name__)
