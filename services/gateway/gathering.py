"""The figures of all workers of this machine and the gateway's own, as one text for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
import structlog
from prometheus_client import generate_latest

from services.domain.clock import Clock
from services.domain.errors import Unavailable
from services.gateway.counts import Counts
from services.gateway.survey import Sight
from services.runtime.metric_texts import merged

log = structlog.get_logger()

AT_ONCE = 16
WORKER_SECONDS = 1.0
ALL_SECONDS = 4.0
"""For everything: a scrape usually gives up after 10 s. Who has not answered by then is left out."""
TEXT_BYTES_MAX = 512 * 1024


@dataclass(slots=True, kw_only=True)
class Gathering:
    """Asks each worker of `sights` that has told where it answers; one that does not answer only misses.

    One gathering at a time: who asks meanwhile waits for the next.
    """

    sights: Callable[[], Sequence[Sight]]
    counts: Counts
    clock: Clock
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=WORKER_SECONDS, trust_env=False))
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def text(self) -> bytes:
        """Give all figures in Prometheus's text format; those of a worker carry its channel and session."""
        own = generate_latest(self.counts.registry).decode()
        async with self._one:
            told = await self._told()
            return await asyncio.to_thread(merged, [({}, own), *told])

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _told(self) -> list[tuple[dict[str, str], str]]:
        tasks: list[asyncio.Task[tuple[dict[str, str], str] | None]] = []
        try:
            async with asyncio.timeout(ALL_SECONDS):
                now = self.clock.now()
                sights = await asyncio.to_thread(self.sights)
                tasks = [asyncio.create_task(self._ask(sight)) for sight in sights if sight.has_worker(now)]
                await asyncio.gather(*tasks)
        except TimeoutError:
            log.warning("metrics_cut_short", seconds=ALL_SECONDS)
        except Unavailable as error:
            log.warning("metrics_of_workers_missing", error=str(error))
        done = [task.result() for task in tasks if task.done() and not task.cancelled()]
        return [each for each in done if each is not None]

    async def _ask(self, sight: Sight) -> tuple[dict[str, str], str] | None:
        if sight.lease is None or not sight.lease.control_url:
            return None
        headers = {"Authorization": f"Bearer {sight.session.pull_token.reveal()}"}
        async with self._places:
            try:
                answer = await self._http.get(f"{sight.lease.control_url}/metrics", headers=headers)
                answer.raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                log.info("metrics_not_told", session=sight.session.id, error=repr(error))
                return None
        if len(answer.content) > TEXT_BYTES_MAX:
            log.warning("metrics_too_long", session=sight.session.id, bytes=len(answer.content))
            return None
        return {"channel": sight.session.channel_id, "session": sight.session.id}, answer.text
