"""What a worker may have to wait for before it can begin: room in the spool, and what the one before it left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import structlog

from services.domain.errors import LeaseLost, Unavailable
from services.domain.session import Reason
from services.runtime.shutdown import Stop, deadline
from services.worker.capture.room import LOOK_SECONDS, Room
from services.worker.following import Following
from services.worker.succession.inheritance import Inheritance
from services.worker.succession.tenure import Tenure

log = structlog.get_logger()

Result = TypeVar("Result")


async def kept(tenure: Tenure, waiting: Coroutine[Any, Any, Result]) -> Result:
    """Await what may take long, and renew the lease meanwhile; raise LeaseLost once it is another's."""
    keeping = asyncio.create_task(tenure.keep(), name="tenure")
    waited = asyncio.create_task(waiting, name="waiting")
    try:
        await asyncio.wait([keeping, waited], return_when=asyncio.FIRST_COMPLETED)
        if not waited.done():
            raise LeaseLost
        return await waited
    finally:
        keeping.cancel()
        waited.cancel()
        await asyncio.gather(keeping, waited, return_exceptions=True)


async def until_room(folder: Path, following: Following, stop: Stop) -> None:
    """Wait until the spool can be written to at all, and say so meanwhile; raise Unavailable when asked to stop."""
    room = Room(folder=folder, min_free_bytes=0)
    while (trouble := await asyncio.to_thread(room.trouble)) is not None:
        log.warning("capture_interrupted", code=trouble.code, detail=trouble.detail)
        await following.report(Reason(code=trouble.code, detail=trouble.detail, since=following.clock.now()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
            raise Unavailable(trouble.detail)


async def in_time(inheriting: Coroutine[Any, Any, Inheritance], stop: Stop, seconds: float) -> Inheritance:
    """Inherit, which may wait for a store that is away; raise Unavailable `seconds` after this worker must go."""
    inherited = asyncio.create_task(inheriting, name="inheriting")
    over = asyncio.create_task(deadline(stop, seconds), name="deadline")
    try:
        await asyncio.wait([inherited, over], return_when=asyncio.FIRST_COMPLETED)
        if not inherited.done():
            raise Unavailable("asked to stop before the store told what the earlier worker had stored")
        return await inherited
    finally:
        inherited.cancel()
        over.cancel()
        await asyncio.gather(inherited, over, return_exceptions=True)
