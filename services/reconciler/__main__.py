"""The reconciler as a program."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from functools import partial

import structlog

from services.adapters.opening import State, open_state
from services.reconciler.bootstrap import new_term, sweep
from services.reconciler.counts import Counts
from services.reconciler.settings import ReconcilerSettings
from services.runtime import emf
from services.runtime.figures_app import create_app
from services.runtime.logging import configure
from services.runtime.serving import serving
from services.runtime.shutdown import stop_event
from services.runtime.starting import exit_if_unavailable, listen_or_exit

log = structlog.get_logger()


def main() -> None:
    """Sweep until asked to stop; exit 2 for bad settings, 1 when the port, the state or ECS cannot be had."""
    settings = ReconcilerSettings.load()
    configure("reconciler", level=settings.log_level, form=settings.log_format)
    bound = listen_or_exit(settings.host, settings.port)
    with exit_if_unavailable(), closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state:
        asyncio.run(_run(settings, state, bound))


async def _run(settings: ReconcilerSettings, state: State, bound: socket.socket) -> None:
    counts = Counts()
    async with (
        stop_event(settings.lifeline_fd) as stop,
        emf.told(settings.metrics_stack, counts.registry),
        serving(create_app(counts.registry), bound, drain_seconds=1),
    ):
        log.info("reconciler_started", launcher=settings.launcher, pool_size=settings.pool_size)
        while not stop.is_set():
            term = new_term(settings, state)
            await term.lead(stop, partial(sweep, settings, state, counts, term), leads=counts.leads)
    log.info("reconciler_stopped")


if __name__ == "__main__":
    main()
