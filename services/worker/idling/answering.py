"""An idle worker that can be called: it waits, and answers on the control port that its session will have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.domain.clock import SystemClock
from services.domain.pool import IdleWorker
from services.runtime.serving import serve_until
from services.worker.door import Door
from services.worker.idling.claim_app import claim_app
from services.worker.idling.waiting import Waiting
from services.worker.idling.warming import warm
from services.worker.outside import Outside


@asynccontextmanager
async def claimed(around: Outside, door: Door, stop: asyncio.Event) -> AsyncIterator[IdleWorker | None]:
    """Wait, and give the row of the claim; None where this worker is asked to go before that."""
    await warm(around.store)
    clock, place = SystemClock(), around.place
    worker = IdleWorker(id=place.task or place.name, control_url=door.url(), seen_at=clock.now(), zone=place.zone)
    waiting = Waiting(pool=around.state.pool, clock=clock, worker=worker, stop=stop)
    # The port stays open: whoever calls between this application and the session's is answered by that one.
    answering = asyncio.create_task(serve_until(claim_app(waiting), door.opened().dup(), waiting.over), name="claims")
    try:
        yield await waiting.run()
    finally:
        waiting.over.set()
        await asyncio.gather(answering, return_exceptions=True)
