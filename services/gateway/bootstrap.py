"""Builds the callback app: the one place of this room that names concrete adapters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import structlog

from services.adapters.process_launcher import ProcessLauncher
from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.secrets import Secret
from services.domain.signing import Keyring
from services.gateway.app import CallbackApp
from services.gateway.desk import Desk
from services.gateway.exits import Exits
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.gateway.nginx_client import NginxClient
from services.gateway.settings import GatewaySettings
from services.gateway.watch import Watch
from services.gateway.workers import Workers

log = structlog.get_logger()

STOP_WORKERS_SECONDS = 16.0
"""Workers finalise and ship within this; the stack waits 20 s for the whole."""


def worker_environment(settings: GatewaySettings) -> dict[str, str]:
    """Give the settings that a worker reads, and no other."""
    return {
        "STREAMKEEP_STATE_PATH": str(settings.state_path.absolute()),
        "STREAMKEEP_OBJECTS_PATH": str(settings.objects_path.absolute()),
        "STREAMKEEP_SPOOL_PATH": str(settings.spool_path.absolute()),
        "STREAMKEEP_PULL_URL": settings.pull_url,
        "STREAMKEEP_MIN_FREE_BYTES": str(settings.min_free_bytes),
        "STREAMKEEP_LOG_LEVEL": settings.log_level,
        "STREAMKEEP_LOG_FORMAT": settings.log_format,
    }


@asynccontextmanager
async def callback_app(settings: GatewaySettings) -> AsyncIterator[CallbackApp]:
    """Build the app with its background tasks, and stop the workers and all else in the reverse order."""
    state = SqliteState(settings.state_path)
    nginx, workers = NginxClient(settings.nginx_url), Workers(state.leases)
    listeners, clock = Listeners(), SystemClock()
    exits = Exits(loop=asyncio.get_running_loop())
    launcher = ProcessLauncher(
        [sys.executable, "-m", "services.worker"],
        worker_environment(settings),
        lifeline_fd=settings.lifeline_fd,
        on_exit=exits.reported,
    )
    launches = Launches(launcher=launcher, listeners=listeners, clock=clock, concurrency=settings.launch_concurrency)
    desk = Desk(
        channels=state.channels,
        sessions=state.sessions,
        keyring=Keyring.parse(Secret(settings.publish_secrets.get_secret_value())),
        clock=clock,
        gateway_name=settings.gateway_name,
    )
    watch = Watch(
        desk=desk,
        leases=state.leases,
        nginx=nginx,
        listeners=listeners,
        launches=launches,
        workers=workers,
        sweep_seconds=settings.sweep_seconds,
    )
    pull = urlsplit(settings.pull_url)
    app = CallbackApp(
        desk=desk,
        listeners=listeners,
        launches=launches,
        watch=watch,
        nginx=nginx,
        internal_token=Secret(settings.internal_token.get_secret_value()),
        rtmp_address=(pull.hostname or "127.0.0.1", pull.port or 1935),
        hold_seconds=settings.hold_seconds,
    )
    tasks = [
        asyncio.create_task(launches.run(), name="launches"),
        asyncio.create_task(watch.run(), name="watch"),
        asyncio.create_task(exits.run(desk, state.leases, launches), name="worker exits"),
    ]
    try:
        yield app
    finally:
        app.stop_admitting()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(launcher.stop, STOP_WORKERS_SECONDS)
        await workers.close()
        await nginx.close()
        state.close()
