"""The spool's bound in bytes: over it the oldest waiting files are dropped, by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.worker.delivery.lane import Lane

log = structlog.get_logger()

SPARE = 32
"""A 32nd of the bound is freed at once, so that what is dropped together is one gap and not many."""


@dataclass(slots=True, kw_only=True)
class SpoolBound:
    """Keeps what all `lanes` hold within `limit` bytes; the first of them loses files first."""

    limit: int
    lanes: Sequence[Lane] = field(default=())

    def keep(self) -> None:
        """Drop what is too much."""
        if self._cost() <= self.limit:
            return
        goal, dropped = self.limit - self.limit // SPARE, 0
        for lane in self.lanes:
            while self._cost() > goal and lane.drop_oldest():
                dropped += 1
        log.warning("spool_full", limit=self.limit, files_dropped=dropped)

    def _cost(self) -> int:
        return sum(lane.cost for lane in self.lanes)
