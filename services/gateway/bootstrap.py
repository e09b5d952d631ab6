"""Builds the callback app: the one place of this room that names concrete adapters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from typing import Protocol

from services.adapters.opening import State, open_state
from services.adapters.process_launcher import ProcessLauncher, of_puller
from services.domain.clock import SystemClock
from services.domain.ports import Launcher
from services.domain.secrets import Secret
from services.gateway.app import CallbackApp, StateLook
from services.gateway.arrivals import Arrivals
from services.gateway.contest import Contest
from services.gateway.counts import Counts
from services.gateway.deciders import Deciders
from services.gateway.desk import Desk
from services.gateway.exits import Exits, OnExit
from services.gateway.failures import Failures
from services.gateway.gathering import Gathering
from services.gateway.hooks import Hooks
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.gateway.nginx_client import NginxClient
from services.gateway.pulls import Pulls, puller_gone
from services.gateway.pulse import Pulse
from services.gateway.settings import GatewaySettings
from services.gateway.staffing import Staffing
from services.gateway.survey import Survey
from services.gateway.watch import Watch
from services.gateway.workers import Workers

STOP_WORKERS_SECONDS = 16.0
"""Workers finalise and ship within this; the stack waits 20 s for the whole."""
STOP_PULLERS_SECONDS = 3.0
STARTING_SECONDS = 3.0
"""How long an admitted publisher that is no longer held may take to appear in nginx's list."""


class OwnedLauncher(Launcher, Protocol):
    """A launcher whose workers this app ends with itself."""

    def stop(self, deadline_seconds: float) -> None:
        """Start no more, and end all within about `deadline_seconds`."""
        ...


LauncherFactory = Callable[[GatewaySettings, OnExit], OwnedLauncher]


def worker_environment(settings: GatewaySettings) -> dict[str, str]:
    """Give the settings that a worker reads, and no other."""
    callback = {} if settings.own_url is None else {"STREAMKEEP_CALLBACK_URL": settings.own_url}
    return {
        **settings.storage_variables(),
        "STREAMKEEP_SPOOL_PATH": str(settings.spool_path.absolute()),
        "STREAMKEEP_PULL_URL": settings.pull_url,
        "STREAMKEEP_MIN_FREE_BYTES": str(settings.min_free_bytes),
        "STREAMKEEP_SPOOL_BYTES": str(settings.spool_bytes),
        "STREAMKEEP_LEASE_SECONDS": f"{settings.lease.total_seconds():g}",
        "STREAMKEEP_EVENTS": str(settings.events).lower(),
        **callback,
        "STREAMKEEP_LOG_LEVEL": settings.log_level,
        "STREAMKEEP_LOG_FORMAT": settings.log_format,
    }


def process_launcher(settings: GatewaySettings, on_exit: OnExit) -> OwnedLauncher:
    """Run workers as child processes."""
    command = [sys.executable, "-m", "services.worker"]
    return ProcessLauncher(command, worker_environment(settings), lifeline_fd=settings.lifeline_fd, on_exit=on_exit)


def puller_environment(settings: GatewaySettings) -> dict[str, str]:
    """Give the settings that the program reads that fetches a source, and no other."""
    return {
        **settings.storage_variables(),
        "STREAMKEEP_PUBLISH_URL": settings.pull_url,
        "STREAMKEEP_PUBLISH_SECRETS": settings.publish_secrets.get_secret_value(),
        "STREAMKEEP_ALLOWED_NETWORKS": settings.allowed_networks,
        "STREAMKEEP_LEASE_SECONDS": f"{settings.lease.total_seconds():g}",
        "STREAMKEEP_LOG_LEVEL": settings.log_level,
        "STREAMKEEP_LOG_FORMAT": settings.log_format,
    }


def puller_launcher(settings: GatewaySettings) -> OwnedLauncher:
    """Run the programs that fetch sources as child processes."""
    return ProcessLauncher(
        [sys.executable, "-m", "services.puller"],
        puller_environment(settings),
        lifeline_fd=settings.lifeline_fd,
        on_exit=puller_gone,
        arguments=of_puller,
    )


@asynccontextmanager
async def callback_app(
    settings: GatewaySettings, *, launcher_factory: LauncherFactory = process_launcher
) -> AsyncIterator[CallbackApp]:
    """Run the app's background tasks around the block, then stop the workers; a task that fails ends the block.

    Raise StateUnavailable if the state cannot be opened.
    """
    with (
        closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state,
        Deciders(settings.pace.decision_threads) as deciders,
    ):
        failures = Failures(channels=state.channels, outbox=state.outbox) if settings.events else None
        exits = Exits(loop=asyncio.get_running_loop(), failures=failures)
        launcher, pullers = launcher_factory(settings, exits.reported), puller_launcher(settings)
        app = _wired(settings, state, launcher, pullers, deciders)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(app.watch.launches.run(), name="launches"),
                    group.create_task(app.watch.run(), name="watch"),
                    group.create_task(app.pulse.run(), name="pulse"),
                    group.create_task(app.pulls.run(), name="pulls"),
                    group.create_task(exits.run(state.sessions, state.leases, app.watch.launches), name="exits"),
                ]
                yield app
                for task in tasks:
                    task.cancel()
        finally:
            await asyncio.gather(
                asyncio.to_thread(pullers.stop, STOP_PULLERS_SECONDS),
                asyncio.to_thread(launcher.stop, STOP_WORKERS_SECONDS),
            )
            await app.watch.workers.close()
            await app.gathering.close()
            await app.nginx.close()


def _wired(
    settings: GatewaySettings, state: State, launcher: Launcher, pullers: Launcher, deciders: Deciders
) -> CallbackApp:
    listeners, clock, counts = Listeners(), SystemClock(), Counts()
    nginx = NginxClient(settings.nginx_url, name=settings.gateway_name, clock=clock)
    pulse, workers = Pulse(nginx=nginx), Workers(state.leases)
    settling = timedelta(seconds=settings.hold_seconds + STARTING_SECONDS)
    launches = Launches(
        launcher=launcher, listeners=listeners, clock=clock, counts=counts, concurrency=settings.launch_concurrency
    )
    desk = Desk(channels=state.channels, sessions=state.sessions, keyring=settings.keyring, clock=clock)
    survey = Survey(channels=state.channels, sessions=state.sessions, leases=state.leases, overview=state.overview)
    arrivals = Arrivals(
        desk=desk,
        contest=Contest(nginx=nginx, pulse=pulse, counts=counts, settling=settling),
        deciders=deciders,
        listeners=listeners,
        launches=launches,
        hold_seconds=settings.hold_seconds,
    )
    return CallbackApp(
        hooks=Hooks(
            desk=desk,
            arrivals=arrivals,
            listeners=listeners,
            workers=workers,
            deciders=deciders,
            counts=counts,
            gateway=nginx.gateway,
        ),
        watch=Watch(
            desk=desk,
            survey=survey,
            nginx=nginx,
            listeners=listeners,
            launches=launches,
            workers=workers,
            staffing=Staffing(launches=launches, counts=counts, lease=settings.lease),
            sweep_seconds=settings.pace.sweep_seconds,
            settling=settling,
        ),
        pulse=pulse,
        pulls=Pulls(
            overview=state.overview,
            channels=state.channels,
            sessions=state.sessions,
            leases=state.leases,
            launcher=pullers,
            clock=clock,
            sweep_seconds=settings.pace.sweep_seconds,
        ),
        gathering=Gathering(survey=survey, counts=counts, clock=clock),
        nginx=nginx,
        state_look=StateLook(sessions=state.sessions),
        internal_token=Secret(settings.internal_token.get_secret_value()),
        rtmp_address=settings.rtmp_address,
    )
