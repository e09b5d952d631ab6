"""The one layer that retries: writes to the store, until they succeed or the worker's deadline cancels them.

A store that is busy is asked again in the same way, ever less often; it is no outage, and the log names it StoreBusy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog

from services.domain.errors import Unavailable

log = structlog.get_logger()

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0

Result = TypeVar("Result")


async def until_done(call: Callable[[], Awaitable[Result]]) -> Result:
    """Call until it does not raise Unavailable; waits grow to LONGEST_WAIT_SECONDS, with jitter."""
    retries = stamina.retry_context(
        on=Unavailable,
        attempts=None,
        timeout=None,
        wait_initial=FIRST_WAIT_SECONDS,
        wait_max=LONGEST_WAIT_SECONDS,
        wait_jitter=FIRST_WAIT_SECONDS,
    )
    async for attempt in retries:
        with attempt:
            return await call()
    raise AssertionError("attempts are unlimited")


async def blocking(call: Callable[[], Result]) -> Result:
    """Do the same for a call that blocks, in a thread."""
    return await until_done(lambda: asyncio.to_thread(call))
