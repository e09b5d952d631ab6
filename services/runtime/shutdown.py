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


class Stop(asyncio.Event):
    """Set when this process is asked to stop; `at_once` as well when nobody is to take its place.

    The first SIGTERM ends this process alone (a deploy, a machine that goes away) and whoever can hand over may; a
    second one is impatient, and SIGINT and the lifeline end all of it.
    """

    def __init__(self) -> None:
        """Begin with nothing asked."""
        super().__init__()
        self.at_once = asyncio.Event()


async def deadline(stop: asyncio.Event, seconds: float) -> None:
    """Return so long after `stop` is set."""
    await stop.wait()
    await asyncio.sleep(seconds)


@asynccontextmanager
async def stop_event(lifeline_fd: int | None) -> AsyncIterator[Stop]:
    """Give an event that is set by SIGTERM, by SIGINT, or when the stack's end of the lifeline closes.

    The lifeline is one end of a socket pair whose other end only the stack holds: it reads end-of-file when the
    stack asks for the stop or dies, and the stack reads end-of-file when the last holder of this end is gone.
    """
    stop = Stop()
    loop = asyncio.get_running_loop()

    def ask(cause: str, *, at_once: bool) -> None:
        is_first = not stop.is_set()
        stop.set()  # first of all: a log that cannot be written must not keep a service running
        if at_once:
            stop.at_once.set()
        if is_first:
            log.info("stop_asked", cause=cause)

    loop.add_signal_handler(signal.SIGTERM, lambda: ask("SIGTERM", at_once=stop.is_set()))
    loop.add_signal_handler(signal.SIGINT, lambda: ask("SIGINT", at_once=True))
    lifeline = None if lifeline_fd is None else socket.socket(fileno=lifeline_fd)
    if lifeline is not None:
        lifeline.setblocking(False)

        def read() -> None:
            loop.remove_reader(lifeline)
            ask("lifeline", at_once=True)

        loop.add_reader(lifeline, read)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        if lifeline is not None:
            loop.remove_reader(lifeline)
            lifeline.detach()
