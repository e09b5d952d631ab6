"""The keyframes of one run of ffmpeg, by which two workers that capture the same stream find the same place in it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from services.worker.events import KeyframeSeen

KEPT = 1024
ARRIVALS_APART_SECONDS = 2.0
"""By how much the arrivals of one keyframe at two workers may differ: pictures that stand still repeat their bytes."""
SAME_SECONDS = 0.001


@dataclass(slots=True)
class Keyframes:
    """The newest keyframes in the order of their arrival, and the `first` of the run."""

    first: KeyframeSeen | None = None
    _seen: deque[KeyframeSeen] = field(default_factory=lambda: deque(maxlen=KEPT))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, keyframe: KeyframeSeen) -> None:
        """Take the next one."""
        self.first = self.first or keyframe
        self._seen.append(keyframe)
        self._news.set()

    @property
    def last(self) -> KeyframeSeen | None:
        """Give the newest one."""
        return self._seen[-1] if self._seen else None

    def all(self) -> list[KeyframeSeen]:
        """Give those that are remembered, oldest first."""
        return list(self._seen)

    async def after(self, last: KeyframeSeen | None) -> KeyframeSeen:
        """Give the newest one as soon as it is another than `last`."""
        while not self._seen or self._seen[-1] is last:
            self._news.clear()
            await self._news.wait()
        return self._seen[-1]

    def same_as(self, other: KeyframeSeen) -> KeyframeSeen | None:
        """Give the one with the other's content that arrived at about the same time."""
        near = [
            each
            for each in self._seen
            if each.digest == other.digest and abs(each.at - other.at) < ARRIVALS_APART_SECONDS
        ]
        return min(near, key=lambda each: abs(each.at - other.at), default=None)

    def from_(self, pts: float) -> KeyframeSeen | None:
        """Give the first one that is not before `pts` (s)."""
        return next((each for each in self._seen if each.pts > pts - SAME_SECONDS), None)

    async def soon(self, look: Callable[[], KeyframeSeen | None], seconds: float) -> KeyframeSeen | None:
        """Give what `look` finds as soon as it does, None after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while (found := look()) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return found
