"""The dispatcher as a program."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from functools import partial

import structlog

from services.adapters.opening import State, open_state
from services.dispatcher.bootstrap import new_term, require_adapters, serve
from services.dispatcher.counts import Counts
from services.dispatcher.settings import DispatcherSettings
from services.runtime.figures_app import create_app
from services.runtime.logging import configure
from services.runtime.serving import serving
from services.runtime.shutdown import stop_event
from services.runtime.starting import exit_if_unavailable, listen_or_exit

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
            term = new_term(settings, state)
            await term.lead(stop, partial(serve, settings, state, counts, term), leads=counts.leads)
    log.info("dispatcher_stopped")


if __name__ == "__main__":
    main()
