"""A clean stop: signals and the stack's lifeline become one event."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@asynccontextmanager
async def stop_event(lifeline_fd: int | None) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set by SIGTERM, by SIGINT, or when the stack's end of the lifeline closes.

    The lifeline is one end of a socket pair whose other end only the stack holds: it reads end-of-file when the
    stack asks for the stop or dies, and the stack reads end-of-file when the last holder of this end is gone.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(cause: str) -> None:
        if not stop.is_set():
            stop.set()  # first of all: a log that cannot be written must not keep a service running
            log.info("stop_asked", cause=cause)

    for number in SIGNALS:
        loop.add_signal_handler(number, ask, number.name)
    lifeline = None if lifeline_fd is None else socket.socket(fileno=lifeline_fd)
    if lifeline is not None:
        lifeline.setblocking(False)

        def read() -> None:
            loop.remove_reader(lifeline)
            ask("lifeline")

        loop.add_reader(lifeline, read)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        if lifeline is not None:
            loop.remove_reader(lifeline)
            lifeline.detach()
