"""Watches this gateway's own service, because nobody tells a protected task that it is to go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from services.domain.errors import PlatformUnavailable
from services.domain.rollout import Rollouts
from services.gateway.draining import Draining

log = structlog.get_logger()

LOOK_SECONDS = 15.0


@dataclass(slots=True, kw_only=True)
class RolloutWatch:
    """Lets the gateway drain, in `drain_seconds`, while a newer deployment replaces it.

    Not before another gateway takes publishers: a task of the newer deployment runs some time before it does.
    """

    rollouts: Rollouts
    draining: Draining
    drain_seconds: float
    look_seconds: float = LOOK_SECONDS

    async def run(self) -> None:
        """Look until cancelled; for a task that belongs to no service there is nothing to see."""
        while True:
            try:
                rollout = await asyncio.to_thread(self.rollouts.seen)
            except PlatformUnavailable as error:
                log.warning("rollout_not_seen", error=str(error))
            else:
                if rollout is None:
                    return
                if not rollout.replaces_own:
                    self.draining.give_up()
                elif await self.draining.has_others():
                    self.draining.begin(self.drain_seconds)
            await asyncio.sleep(self.look_seconds)
