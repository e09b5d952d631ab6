"""A lane: one output's way into the store, in order, bounded, and apart from the other outputs' ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from services.worker.events import FileClosed

log = structlog.get_logger()

LANE_FILES = 4096


@dataclass(frozen=True, slots=True)
class Waiting:
    """A closed file with the part it belongs to and the epoch (s) of that part's PTS 0."""

    file: FileClosed
    part: int
    anchor: float


@dataclass(slots=True, kw_only=True)
class Lane:
    """Ships one file after the other; the producer never waits.

    A file that finds the lane full stays in the spool under its ledger line; `is_spilled` says that the session needs
    another worker to ship it.
    """

    name: str
    ship: Callable[[Waiting], Awaitable[None]]
    is_spilled: bool = False
    _queue: asyncio.Queue[Waiting | None] = field(default_factory=lambda: asyncio.Queue(LANE_FILES))
    _is_closed: bool = False

    def put(self, waiting: Waiting) -> None:
        """Take a closed file."""
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            self.is_spilled = True
            log.warning("lane_full", lane=self.name, file=waiting.file.path.name, files=LANE_FILES)

    def waiting(self) -> int:
        """Count what is not shipped yet and waits in line."""
        return self._queue.qsize()

    async def run(self) -> None:
        """Ship until closed and empty."""
        while not (self._is_closed and self._queue.empty()):
            waiting = await self._queue.get()
            if waiting is not None:
                await self.ship(waiting)

    async def close(self) -> None:
        """Take no more; `run` ends when all is shipped."""
        self._is_closed = True
        await self._queue.put(None)
