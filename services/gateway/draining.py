"""Draining: a gateway that is to go takes no publisher any more, and lets those it has go one by one.

How a rolling deployment on ECS and protection go together (docs/aws.md tells the same to operators):

1. ECS starts the tasks of the new deployment beside the old ones; `maximumPercent` has to leave room for that (200).
2. It then stops old tasks as fast as new ones are healthy, but no protected one. A gateway is protected while it has
   publishers (`protection.py`), so only those without any go at once.
3. Nobody tells an old task that it is old, and a protected one gets no SIGTERM. So each gateway looks at its own
   service (`rollouts.py`): once a newer deployment has a running task, it drains.
4. Draining, it refuses newcomers (`draining`) and cuts its publishers one by one, spread over STREAMKEEP_DRAIN_SECONDS.
   Each comes back by itself, and the load balancer leads it to another gateway, or to a draining one that refuses it,
   until it meets one that takes it: a new part of the same session. Nobody is cut while no other gateway takes
   publishers.
5. It goes on answering its health check (`/nlb`) meanwhile. An unhealthy target is what protection does not save: ECS
   would replace the task at once, and the load balancer, unless it is told otherwise, would close its connections.
6. With the last publisher gone it gives its protection up. ECS takes it out of the load balancer, sends SIGTERM, and
   there is nothing left to drain.

Should a deployment be given up, the gateways that drained for it take publishers again. A SIGTERM that comes although
there are publishers (the platform retires the machine, protection was refused) drains in STREAMKEEP_STOP_DRAIN_SECONDS,
which the stop timeout, at most 120 s, must exceed. CloudFormation gives an update up after three hours: DRAIN_SECONDS
lies far below.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import dataclass, field

import structlog

from services.domain.clock import Clock
from services.domain.errors import Unavailable
from services.domain.gateways import Connection
from services.gateway.connections import Connections
from services.gateway.door import Door
from services.gateway.neighbours import Neighbours
from services.gateway.nginx_client import Census
from services.gateway.pulls import Pulls

log = structlog.get_logger()

SPARE_SECONDS = 2.0
"""How long before the process ends its last publisher is let go: a cut takes up to a second, and state hears of it."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """How fast publishers are let go: `began_with` so many, in `seconds`, of which `left` remain."""

    seconds: float
    left: float
    is_last: bool = False
    began_with: int = 0

    def too_many(self, publishers: int) -> int:
        """Give how many of the `publishers` that are still there should have gone by now."""
        self.began_with = max(self.began_with, publishers)
        share = max(0.0, self.left) / self.seconds if self.seconds else 0.0
        return max(0, publishers - math.ceil(self.began_with * share))


@dataclass(slots=True, kw_only=True)
class Draining:
    """Begins and ends, and cuts publishers in between; pulled sources are left to another gateway."""

    door: Door
    connections: Connections
    neighbours: Neighbours
    pulls: Pulls
    clock: Clock
    _plan: Plan | None = None
    _empty: asyncio.Event = field(default_factory=asyncio.Event)
    _is_postponed: bool = False

    @property
    def is_last(self) -> bool:
        """Say whether the process ends when this is done."""
        return self._plan is not None and self._plan.is_last

    def begin(self, seconds: float, *, is_last: bool = False) -> None:
        """Drain within `seconds`; `is_last` means that the process ends then, whoever is still there."""
        if self._plan is None or (is_last and not self._plan.is_last):
            log.info("gateway_draining", seconds=seconds, is_last=is_last)
            self._plan = Plan(seconds=seconds, left=seconds, is_last=is_last)
            self.door.shut(self.clock.now())
            self.connections.pulse.stir()

    def give_up(self) -> None:
        """Take publishers again, unless the process is about to end."""
        if self._plan is not None and not self._plan.is_last:
            log.info("gateway_draining_given_up")
            self._plan = None
            self.door.open()

    async def finish(self, seconds: float) -> None:
        """Drain for good: return when nobody is connected any more, or after `seconds`."""
        self.begin(max(0.0, seconds - SPARE_SECONDS), is_last=True)
        self._empty.clear()  # what an earlier census said: somebody may have come since
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    async def run(self) -> None:
        """Let publishers go while draining, until cancelled."""
        pulse, before = self.connections.pulse, time.monotonic()
        while True:
            census = await pulse.next()
            now = time.monotonic()
            if not census.connections:
                self._empty.set()
            else:
                self._empty.clear()
                await self._step(census, now - before)
            before = now

    async def _step(self, census: Census, passed: float) -> None:
        plan = self._plan
        if plan is None:
            return
        plan.left -= passed
        due = plan.too_many(len(census.connections))
        if not due:
            return
        if not await self.has_others():
            plan.left += 0.0 if plan.is_last else passed
            return
        for connection in census.connections[:due]:
            await self._let_go(census.gateway, connection)

    async def has_others(self) -> bool:
        """Say whether there is a gateway that takes those that are cut."""
        try:
            others = await self.neighbours.others(self.connections.nginx.is_own)
        except Unavailable as error:
            log.warning("gateway_draining_postponed", error=str(error))
            return False
        if not others and not self._is_postponed:
            log.warning("gateway_draining_postponed", error="no other gateway takes publishers")
        self._is_postponed = not others
        return bool(others)

    async def _let_go(self, gateway: str, connection: Connection) -> None:
        try:
            await self.pulls.let_go(connection.channel_id)
            await self.connections.cut(gateway, connection)
        except Unavailable as error:
            log.warning("publisher_not_let_go", channel=connection.channel_id, error=str(error))
            return
        log.info("publisher_let_go", channel=connection.channel_id)
