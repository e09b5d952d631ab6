"""The backlog of all gateways that have some of it, fetched, and planned by."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.domain.session import Session
from services.worker.catching_up.backlog import NoBacklog
from services.worker.catching_up.passages import NotThere, Passages
from services.worker.catching_up.source import TRIES, Source
from services.worker.catching_up.stretch import Listed, Stretch, stretches
from services.worker.gateway_address import GatewayAddress

log = structlog.get_logger()

FETCH_SECONDS = 15.0
"""How long what the gateways have may take to get here: of 120 s that they keep, and media that is held meanwhile."""
AGAIN_SECONDS = 0.4
"""A keyframe that has arrived here is in the gateway's file as soon, and a gateway that has just begun answers."""
PAUSE_SECONDS = 2.0
"""The longest pause between two tries, but for the chance in it."""

Plan = Callable[[Sequence[Stretch]], Passages]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """Asks all gateways that are alive at once, for `seconds` at most; what is passing is tried again until then."""

    gateway: GatewayAddress
    seconds: float = FETCH_SECONDS

    async def planned(self, session: Session, folder: Path, *, since: float, plan: Plan) -> Passages:
        """Fetch into `folder` what came from `since` on (epoch s), and give the plan; raise NoBacklog or NotThere."""
        clock, sources, looks = asyncio.get_running_loop().time, dict[str, Source](), 0
        deadline, tries = clock() + self.seconds, 0
        while True:
            tries += 1
            urls = await self._look_around(session, sources, folder)
            asked = [source for url, source in sources.items() if url in urls or source.is_read]
            await _read(asked, session, since, deadline - clock())
            waited_for = [source for source in asked if source.is_waited_for(tries) and clock() < deadline]
            if not waited_for:
                looks += 1
                try:
                    return await _planned(asked, plan)
                except NotThere:
                    if looks >= TRIES or clock() >= deadline:
                        raise
                for source in asked:
                    source.is_read = False
            pause = _pause([source.problem for source in waited_for], tries)
            await asyncio.sleep(max(0.0, min(pause, deadline - clock())))

    async def _look_around(self, session: Session, sources: dict[str, Source], folder: Path) -> dict[str, bool]:
        """See which gateways there are by now: one that has died in the meantime is not waited for."""
        urls = await self.gateway.backlog_urls(session)
        for url, is_alive in urls.items():
            if url not in sources:
                sources[url] = Source(url=url, folder=folder / f"from-{len(sources)}", is_alive=is_alive)
            sources[url].is_alive = is_alive
        return urls


async def _read(sources: Sequence[Source], session: Session, since: float, seconds: float) -> None:
    """Read them at once; one that takes longer has a problem."""
    tasks = [asyncio.create_task(_read_one(source, session, since, seconds)) for source in sources]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read_one(source: Source, session: Session, since: float, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await source.read(session, since)
    except TimeoutError:
        source.problem = source.problem or NoBacklog("it takes too long", is_passing=True)


async def _planned(sources: Sequence[Source], plan: Plan) -> Passages:
    """Plan by what was read; raise NotThere, or NoBacklog where there is nothing."""
    got = _in_order(sources)
    for source in sources:
        if source.problem is not None:
            log.info("backlog_missed", url=source.url, error=str(source.problem))
    if not got:
        problems = [source.problem for source in sources if source.problem is not None]
        raise problems[0] if problems else NoBacklog("nothing is kept of that time")
    found = await asyncio.to_thread(stretches, got)
    log.info("backlog_fetched", files=len(got), bytes=sum(file.bytes for file, _ in got))
    return plan(found)


def _in_order(sources: Iterable[Source]) -> list[tuple[Listed, Path]]:
    """Give all files, those of one connection together, by when the connection began: two may overlap."""
    connections: dict[tuple[str, tuple[str, str] | None], list[tuple[Listed, Path]]] = {}
    for source in sources:
        for file, path in source.files:
            connections.setdefault((source.url, file.connection), []).append((file, path))
    ordered = sorted(connections.values(), key=lambda files: files[0][0].began_at)
    return [each for files in ordered for each in files]


def _pause(problems: Iterable[NoBacklog | None], tries: int) -> float:
    """Give how long to wait (s): as long as is asked for, longer each time, and not all workers alike."""
    after = max((problem.after for problem in problems if problem is not None), default=0.0)
    longer = min(PAUSE_SECONDS, AGAIN_SECONDS * 1.5 ** (tries - 1))
    return max(after, longer) * random.uniform(0.7, 1.3)  # noqa: S311 - it keeps workers apart, no secret
