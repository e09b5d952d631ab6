"""What the picture child's one decoding thread is given to do, in the order in which it comes: packets and commands."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from dataclasses import dataclass, field

from services.worker.pictures.commands import Command
from services.worker.pictures.tap import Arrival

ITEMS = 512
BURST_SILENCE_SECONDS = 0.03
BURST_SECONDS = 0.3
BURST_PACKETS = 256
BURST_BYTES = 32 * 2**20
"""More than ffmpeg holds back while it probes for a second: whoever reads faster than that holds back nothing."""


class End:
    """Nothing more comes."""


END = End()
Item = Arrival | Command | End


@dataclass(slots=True)
class Inbox:
    """A bounded queue of so many `items`: who puts waits while it is full."""

    items: int = ITEMS
    _queue: queue.Queue[Item] = field(init=False)
    _first: deque[Item] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Begin empty."""
        self._queue = queue.Queue(self.items)

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

    def burst(self, packets: int = BURST_PACKETS) -> list[Arrival]:
        """Wait for the first packets and give what ffmpeg held back while it probed, until nothing comes at once.

        It is so many `packets` at the most, and none after BURST_BYTES. Nothing is taken away: all of it will be given
        again.
        """
        seen: list[Item] = []
        arrivals: list[Arrival] = []
        room, deadline = BURST_BYTES, math.inf
        while len(arrivals) < packets and room > 0 and time.monotonic() < deadline:
            item = self.take(BURST_SILENCE_SECONDS if arrivals else None)
            if item is None:
                break
            seen.append(item)
            if isinstance(item, End):
                break
            if isinstance(item, Arrival):
                deadline = min(deadline, time.monotonic() + BURST_SECONDS)
                room -= item.packet.size
                arrivals.append(item)
        self.put_back(seen)
        return arrivals
