"""Protection: while a gateway has publishers, the platform ends it neither for a rollout nor for a smaller scale."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass

import structlog

from services.domain.errors import PlatformUnavailable
from services.domain.rollout import TaskProtection
from services.gateway.door import Door
from services.gateway.pulse import Pulse

log = structlog.get_logger()

RENEW_SECONDS = 300.0
LINGER_SECONDS = 30.0
"""How long a gateway is protected after its last publisher left: encoders that come back come within seconds."""
RETRY_SECONDS = 10.0


def minutes_for(drain_seconds: float) -> int:
    """Say for how long to be protected each time.

    ECS may refuse to extend it while a deployment waits for protected tasks (DEPLOYMENT_BLOCKED), so what is left of it
    must last for the whole draining, whenever that begins. A gateway that hangs holds a deployment up for no longer.
    """
    return math.ceil((drain_seconds + 2 * RENEW_SECONDS) / 60)


@dataclass(slots=True, kw_only=True)
class Protection:
    """Asks for protection for `minutes` when the first publisher comes, again in good time, and gives it up."""

    task: TaskProtection
    pulse: Pulse
    door: Door
    minutes: int
    renew_seconds: float = RENEW_SECONDS
    linger_seconds: float = LINGER_SECONDS
    retry_seconds: float = RETRY_SECONDS
    _protected_at: float | None = None
    _idle_since: float | None = None
    _retry_at: float = 0.0

    async def run(self) -> None:
        """Keep it right until cancelled."""
        while True:
            census = await self.pulse.next()
            now = time.monotonic()
            self._note(now, is_busy=bool(census.connections))
            if now < self._retry_at:
                continue
            try:
                await self._keep(now)
            except PlatformUnavailable as error:
                self._retry_at = now + self.retry_seconds
                log.warning("task_not_protected", publishers=len(census.connections), error=str(error))

    def _note(self, now: float, *, is_busy: bool) -> None:
        if is_busy:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now

    async def _keep(self, now: float) -> None:
        is_protected = self._protected_at is not None
        if self._idle_since is None:
            if self._protected_at is None or now - self._protected_at >= self.renew_seconds:
                await asyncio.to_thread(self.task.protect, self.minutes)
                self._protected_at = now
        elif is_protected and (self.door.is_shut or now - self._idle_since >= self.linger_seconds):
            await asyncio.to_thread(self.task.release)
            self._protected_at = None
            log.info("task_no_longer_protected")
