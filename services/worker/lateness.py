"""Whether pictures are overdue although somebody publishes: what an operator is woken for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from services.runtime import metrics
from services.runtime.beat import until_beat
from services.worker.delivery.arrivals import Arrivals
from services.worker.following import Following

LOOK_SECONDS = 10.0
LATE_SECONDS = 60.0
LATE_INTERVALS = 3
"""So many pictures in a row, and for so long, have to be missing; one that is late is nobody's concern."""
UNCHANGED_SECONDS = 300.0
"""How long a picture that shows nothing new may be left out where the channel asks for that."""


@dataclass(slots=True)
class Lateness:
    """Looks at what has reached the store."""

    following: Following
    arrivals: Arrivals

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            metrics.PICTURES_LATE.set(self.is_late())
            await asyncio.sleep(until_beat(LOOK_SECONDS))

    def is_late(self) -> bool:
        """Say whether the newest picture is older than it should be, while a publisher has been there for that long."""
        images, publisher = self.following.plan().images, self.following.session.publisher
        if images.seconds is None or publisher is None:
            return False
        longest = max(LATE_SECONDS, LATE_INTERVALS * images.seconds)
        longest += UNCHANGED_SECONDS if images.skip_unchanged else 0.0
        connected = (self.following.clock.now() - publisher.accepted_at).total_seconds()
        return min(connected, time.monotonic() - self.arrivals.last_at) > longest
