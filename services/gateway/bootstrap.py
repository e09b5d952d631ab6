"""Builds the callback app: the one place of this room that names concrete adapters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing
from typing import Protocol

from services.adapters.ecs_opening import open_fleet, open_service
from services.adapters.ecs_protection import EcsProtection
from services.adapters.opening import State, open_state
from services.adapters.pooled_launcher import PooledLauncher
from services.adapters.process_launcher import ProcessLauncher, of_puller
from services.domain.clock import SystemClock
from services.domain.ports import Launcher
from services.gateway.app import CallbackApp
from services.gateway.deciders import Deciders
from services.gateway.exits import Exits, OnExit
from services.gateway.place import place_of
from services.gateway.protection import Protection, minutes_for
from services.gateway.pulls import puller_gone
from services.gateway.rollouts import RolloutWatch
from services.gateway.settings import GatewaySettings
from services.gateway.wiring import wired
from services.runtime.ecs_metadata import EcsTask, own_task
from services.runtime.giving_up import GivingUp
from services.runtime.launch_claims import LaunchClaims
from services.runtime.process_name import own_name

STOP_WORKERS_SECONDS = 16.0
"""Workers finalise and ship within this; the stack waits 20 s for the whole."""
STOP_PULLERS_SECONDS = 3.0


class OwnedLauncher(Launcher, Protocol):
    """A launcher that ends with this app."""

    def stop(self, deadline_seconds: float) -> None:
        """Start no more, and end all that runs on this machine within about `deadline_seconds`."""
        ...


LauncherFactory = Callable[[GatewaySettings, OnExit], OwnedLauncher]


def worker_environment(settings: GatewaySettings) -> dict[str, str]:
    """Give the settings that a worker reads, and no other."""
    callback = {} if settings.own_url is None else {"STREAMKEEP_CALLBACK_URL": settings.own_url}
    spool = {} if settings.spool_path is None else {"STREAMKEEP_SPOOL_PATH": str(settings.spool_path.absolute())}
    return {
        **settings.storage_variables(),
        **spool,
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


def _giving_up(settings: GatewaySettings, state: State) -> GivingUp:
    outbox = state.outbox if settings.events else None
    return GivingUp(sessions=state.sessions, channels=state.channels, outbox=outbox, clock=SystemClock())


@asynccontextmanager
async def callback_app(
    settings: GatewaySettings, *, launcher_factory: LauncherFactory = process_launcher
) -> AsyncIterator[CallbackApp]:
    """Run the app's background tasks around the block, then stop the workers; a task that fails ends the block.

    Raise StateUnavailable if the state cannot be opened, LaunchFailed if ECS cannot, TaskUnknown.
    """
    own = await asyncio.to_thread(own_task)
    place = place_of(settings, own)
    with (
        closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state,
        Deciders(settings.pace.decision_threads) as deciders,
    ):
        exits = Exits(loop=asyncio.get_running_loop(), giving_up=_giving_up(settings, state))
        launcher = _launcher(settings, state, exits.reported, launcher_factory)
        pullers = puller_launcher(settings)
        claims = _claims(settings, state)
        app = wired(settings, place, state, deciders, launcher=launcher, claims=claims, pullers=pullers)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(app.watch.launches.run(), name="launches"),
                    group.create_task(app.watch.run(), name="watch"),
                    group.create_task(app.pulse.run(), name="pulse"),
                    group.create_task(app.load.run(), name="load"),
                    group.create_task(app.pulls.run(), name="pulls"),
                    group.create_task(app.heartbeat.run(), name="heartbeat"),
                    group.create_task(app.draining.run(), name="draining"),
                    *((group.create_task(app.backlog.run(), name="backlog"),) if app.backlog else ()),
                    *(group.create_task(each, name="task of ECS") for each in _of_ecs(settings, app, own)),
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
            await app.heartbeat.stop()
            await app.watch.workers.close()
            await app.neighbours.close()
            await app.gathering.close()
            await app.nginx.close()


def _launcher(
    settings: GatewaySettings, state: State, on_exit: OnExit, launcher_factory: LauncherFactory
) -> OwnedLauncher:
    if settings.launcher == "ecs":
        return PooledLauncher(open_fleet(**settings.fleet).launcher, state.pool, SystemClock())
    return launcher_factory(settings, on_exit)


def _claims(settings: GatewaySettings, state: State) -> LaunchClaims | None:
    """Share the launching with other gateways and the reconciler, where workers are nobody's children."""
    if settings.launcher == "process":
        return None
    return LaunchClaims(leases=state.leases, channels=state.channels, clock=SystemClock(), who=own_name())


def _of_ecs(settings: GatewaySettings, app: CallbackApp, task: EcsTask | None) -> Iterator[Coroutine[None, None, None]]:
    """Give what runs beside the rest where ECS runs this app."""
    protection = EcsProtection.own()
    if task is None or protection is None:
        return
    door, pulse, minutes = app.draining.door, app.pulse, minutes_for(settings.drain_seconds)
    yield Protection(task=protection, pulse=pulse, door=door, minutes=minutes).run()
    service = open_service(cluster=task.cluster, task_arn=task.arn)
    yield RolloutWatch(rollouts=service, draining=app.draining, drain_seconds=settings.drain_seconds).run()
