"""What the picture child's one decoding thread is given to do, in the order in which it comes: packets and commands."""

from __future__ import annotations

import queue
import time
from collections import deque
from dataclasses import dataclass, field

from services.worker.pictures.commands import Command
from services.worker.pictures.tap import Arrival

ITEMS = 512
BURST_SILENCE_SECONDS = 0.03
BURST_SECONDS = 0.3


class End:
    """Nothing more comes."""


END = End()
Item = Arrival | Command | End


@dataclass(slots=True)
class Inbox:
    """A bounded queue: who puts waits while it is full."""

    _queue: queue.Queue[Item] = field(default_factory=lambda: queue.Queue(ITEMS))
    _first: deque[Item] = field(default_factory=deque)

    def put(self, item: Item) -> None:
        """Add one; from any thread."""
        self._queue.put(item)

    def put_back(self, items: list[Item]) -> None:
        """Give these first, in their order."""
        self._first.extendleft(reversed(items))

    def take(self, seconds: float | None = None) -> Item | None:
        """Give the next one, None if none comes within `seconds`."""
        if self._first:
            return self._first.popleft()
        try:
            return self._queue.get(timeout=seconds) if seconds != 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    def burst(self) -> list[Arrival]:
        """Wait for the first packets and give what ffmpeg held back while it probed, until nothing comes at once.

        Nothing is taken away: all of it will be given again.
        """
        seen: list[Item] = []
        while not any(isinstance(item, Arrival | End) for item in seen):
            seen.append(self._queue.get())
        deadline = time.monotonic() + BURST_SECONDS
        while not isinstance(seen[-1], End) and time.monotonic() < deadline:
            item = self.take(BURST_SILENCE_SECONDS)
            if item is None:
                break
            seen.append(item)
        self.put_back(seen)
        return [item for item in seen if isinstance(item, Arrival)]
