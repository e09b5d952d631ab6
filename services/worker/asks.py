"""Asks for a picture: however many come at once, the taker of pictures sees two at the most."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace

from services.worker.taking import Snapshots, Taken

MOST_WAITING = 32
"""So many wait for a picture; whoever comes then is sent away."""
TAKE_SECONDS = 5.0
"""How long a picture may take to lie in the store, the wait for another's included."""


class TooManyAsks(Exception):
    """Too many wait already."""


@dataclass(slots=True)
class _Line:
    """Takes one picture after the other; it serves all who asked before its taking began and are content with it."""

    snapshots: Snapshots
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _began: float = -math.inf
    _max_age: float = math.inf
    _taken: Taken | None = None

    async def take(self, max_age: float | None) -> Taken:
        """Take a picture, or share one that is taken from now on."""
        asked, wanted = _now(), math.inf if max_age is None else max_age
        async with self._lock:
            if self._taken is not None and self._began >= asked and self._max_age <= wanted:
                return replace(self._taken, created=False)
            self._began, self._max_age, self._taken = _now(), wanted, None
            self._taken = await self.snapshots.take(max_age)
            return self._taken


@dataclass(slots=True)
class Asks:
    """Lets those who ask at the same time share a picture, and bounds how many wait.

    The newest keyframe and a newer frame are asked for in lines of their own: the first is there at once.
    """

    snapshots: Snapshots
    _keyframes: _Line = field(init=False)
    _frames: _Line = field(init=False)
    _waiting: int = 0

    def __post_init__(self) -> None:
        """Begin with nobody waiting."""
        self._keyframes, self._frames = _Line(self.snapshots), _Line(self.snapshots)

    async def take(self, max_age: float | None) -> Taken:
        """Give a picture that is taken from now on; raise NothingToTake, NotNow, TooManyAsks, or TimeoutError."""
        if self._waiting >= MOST_WAITING:
            raise TooManyAsks("too many wait for a picture of this channel")
        self._waiting += 1
        line = self._keyframes if max_age is None else self._frames
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                return await line.take(max_age)
        finally:
            self._waiting -= 1


def _now() -> float:
    return asyncio.get_running_loop().time()
