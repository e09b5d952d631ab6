"""The dispatcher as a program."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import structlog

from services.adapters.opening import State, open_state
from services.dispatcher.bootstrap import new_term, require_adapters, serve
from services.dispatcher.counts import Counts
from services.dispatcher.settings import DispatcherSettings
from services.runtime.figures_app import create_app
from services.runtime.logging import configure
from services.runtime.serving import serving
from services.runtime.shutdown import Stop, stop_event
from services.runtime.starting import exit_if_unavailable, listen_or_exit
from services.runtime.term import Term

log = structlog.get_logger()


def main() -> None:
    """Send until asked to stop; exit 2 for bad settings, 1 when the port or the state cannot be had."""
    settings = DispatcherSettings.load()
    configure("dispatcher", level=settings.log_level, form=settings.log_format)
    bound = listen_or_exit(settings.host, settings.port)
    with exit_if_unavailable():
        require_adapters(settings)
        with closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state:
            asyncio.run(_run(settings, state, bound))


async def _run(settings: DispatcherSettings, state: State, bound: socket.socket) -> None:
    counts = Counts()
    async with stop_event(settings.lifeline_fd) as stop, serving(create_app(counts.registry), bound, drain_seconds=1):
        log.info("dispatcher_started", sinks=[each.name for each in settings.subscribers])
        while not stop.is_set():
            await _one_term(settings, state, counts, stop)
    log.info("dispatcher_stopped")


async def _one_term(settings: DispatcherSettings, state: State, counts: Counts, stop: Stop) -> None:
    """Wait for one's turn, and send until the term is over or the stop is asked for."""
    term = new_term(settings, state)
    if not await term.begun(stop):
        return
    counts.leads(is_leading=True)
    tasks = [asyncio.create_task(_ended_by(stop, term)), asyncio.create_task(term.keep())]
    try:
        await serve(settings, state, counts, term)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await term.end()
        counts.leads(is_leading=False)


async def _ended_by(stop: Stop, term: Term) -> None:
    await stop.wait()
    term.over.set()


if __name__ == "__main__":
    main()
