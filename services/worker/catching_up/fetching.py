"""The backlog of the gateway that has it, fetched, and planned by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from services.worker.catching_up import backlog
from services.worker.catching_up.backlog import Backlog, NoBacklog
from services.worker.catching_up.passages import NotThere, Passages
from services.worker.catching_up.stretch import Listed, Stretch, stretches
from services.worker.following import Following
from services.worker.gateway_address import GatewayAddress

log = structlog.get_logger()

TRIES = 3
AGAIN_SECONDS = 0.4
"""A keyframe that has arrived here is in the gateway's file as soon, and a gateway that has just begun answers."""
EARLIER_SECONDS = 15.0
"""So much earlier than what is missing a file may have ended."""

Plan = Callable[[Sequence[Stretch]], Passages]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """Asks the gateway of the publisher, or all that are alive."""

    following: Following
    gateway: GatewayAddress

    async def planned(self, folder: Path, *, since: float, plan: Plan) -> Passages:
        """Fetch into `folder` what came from `since` on (epoch s), and give the plan; raise NoBacklog or NotThere."""
        urls = await self.gateway.control_urls(self.following.session)
        session, problem = self.following.session, NoBacklog("no gateway is known")
        await asyncio.to_thread(partial(folder.mkdir, parents=True, exist_ok=True))
        for left in reversed(range(TRIES)):
            for url in urls:
                try:
                    async with backlog.opened(url, session.channel_id, session.pull_token) as at_gateway:
                        return await self._fetched(at_gateway, folder, since, plan)
                except NoBacklog as error:
                    problem = error
            if not left or not problem.is_passing:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        raise problem

    async def _fetched(self, at_gateway: Backlog, folder: Path, since: float, plan: Plan) -> Passages:
        """Fetch what may be missing, again where the newest is not there yet, and plan by it."""
        known: dict[str, tuple[Listed, Path]] = {}
        for left in reversed(range(TRIES)):
            files = [file for file in await at_gateway.files() if file.ended_at > since - EARLIER_SECONDS]
            if not files:
                raise NoBacklog("nothing is kept there of that time")
            got = await backlog.fetched(at_gateway, files, folder, known)
            found = await asyncio.to_thread(stretches, got)
            log.info("backlog_fetched", files=len(got), bytes=sum(file.bytes for file, _ in got))
            try:
                return plan(found)
            except NotThere:
                if not left:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)
        raise NotThere
