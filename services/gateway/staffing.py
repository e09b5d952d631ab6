"""Sees to it that each open session has a worker that works: a missing one is ordered, a hung one is killed first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.gateway.counts import Counts
from services.gateway.launches import Launches
from services.gateway.survey import Sight
from services.runtime.process_name import is_over, runs_here

log = structlog.get_logger()

UNCLAIMED_FACTOR = 2
"""A worker that has not even claimed its session gets more time: on a busy machine starting takes long."""


@dataclass(slots=True, kw_only=True)
class Staffing:
    """Judges by leases. `lease` is how long one lasts; a healthy worker renews it three times as often.

    A worker is hung when it runs here and its lease has been expired for a further `lease` in which state answered:
    after an outage of state, in which every lease expires, all healthy ones have renewed by then.
    """

    launches: Launches
    counts: Counts
    lease: timedelta
    _without: dict[str, float] = field(default_factory=dict)

    async def check(self, sight: Sight, now: datetime) -> None:
        """Order, or first kill, what this session needs."""
        session = sight.session
        if sight.has_worker(now):
            self._without.pop(session.id, None)
            self.launches.works(session.id)
            self.hand_over(sight, now)
            return
        began = self._began(sight)
        if began is None:
            self._without.pop(session.id, None)
            if not self._is_the_reconcilers(sight):
                self.launches.order(session)
        elif self._is_hung(sight, began):
            log.error("worker_hung", channel=session.channel_id, session=session.id)
            self.counts.hung()
            del self._without[session.id]
            await asyncio.to_thread(self.launches.kill, session.id)
            self.launches.order(session)

    def hand_over(self, sight: Sight, now: datetime) -> bool:
        """Order a successor of a worker that is leaving; say whether the session has such a one."""
        if sight.lease is None or not sight.lease.leaving or not sight.has_worker(now):
            return False
        self.launches.order_successor(sight.session, sight.lease.epoch)
        return True

    def state_was_away(self) -> None:
        """Begin anew with all that was seen of expired leases."""
        self._without.clear()

    def forget_all_but(self, open_sessions: AbstractSet[str]) -> None:
        """Drop what is kept about sessions that are over."""
        for session_id in self._without.keys() - open_sessions:
            del self._without[session_id]

    def _began(self, sight: Sight) -> float | None:
        """Give when (monotonic) the session's worker was started, None where none is known to run on this machine.

        One that an earlier life of this app started is not killed, its epoch is over when another claims the session.
        """
        began = self.launches.began(sight.session.id)
        if began is None and sight.lease is not None and runs_here(sight.lease.holder):
            return 0.0
        return began

    def _is_the_reconcilers(self, sight: Sight) -> bool:
        """Say whether only who lists the tasks can tell that a worker is gone: elsewhere one may have lost its lease.

        After an outage of state every lease has expired; the healthy workers renew theirs, unless others come first.
        """
        is_elsewhere = self.launches.claims is not None
        return is_elsewhere and sight.lease is not None and not is_over(sight.lease.holder)

    def _is_hung(self, sight: Sight, began: float) -> bool:
        now = time.monotonic()
        since = self._without.setdefault(sight.session.id, now)
        patience = self.lease.total_seconds() * (UNCLAIMED_FACTOR if sight.lease is None else 1)
        return now - max(since, began) >= patience
