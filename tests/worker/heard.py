"""Waiting for what happens, always with a hard deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from services.worker.events import CaptureEvent

DEADLINE_SECONDS = 10.0

Event = TypeVar("Event", bound=CaptureEvent)


class Heard:
    """Takes a capture's events, in place of the broadcast."""

    def __init__(self) -> None:
        self.events: list[CaptureEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: CaptureEvent) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def expect(self, kind: type[Event], count: int = 1, seconds: float = DEADLINE_SECONDS) -> list[Event]:
        """Wait until there are `count` events of a kind; TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)


async def until(claim: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for what only shows when it is looked at; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not claim():  # noqa: ASYNC110 - another process or thread makes it true and tells nobody
            await asyncio.sleep(0.01)
