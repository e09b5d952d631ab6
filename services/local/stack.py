"""The life of the stack: from its first check to its last process."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import structlog

from services.local.banner import banner
from services.local.children import Children
from services.local.folder import DataFolder
from services.local.lifeline import Lifeline
from services.local.parts import DEMO_CHANNEL, Parts
from services.local.picture import picture_publisher
from services.local.program import search_path
from services.local.readiness import publish_of, wait_until_ready
from services.local.settings import LocalSettings
from services.local.software import require_software
from services.local.supervisor import Supervisor
from services.runtime.first_of import first_of
from services.runtime.shutdown import stop_event
from services.runtime.steady_output import steady

log = structlog.get_logger()

PREPARE_SECONDS = 60.0
"""How long making a table and a bucket may take: a table of DynamoDB is there after some 10 s."""
_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def require_machine(settings: LocalSettings, folder: DataFolder) -> None:
    """Raise CannotStart if this machine lacks what the stack needs; the folder is ready afterwards."""
    require_software(search_path())
    folder.prepare()
    folder.require_room(settings.min_free_bytes)


async def run(parts: Parts, *, demo: bool) -> None:
    """Run the stack until it is asked to stop; raise CannotStart if it does not come up."""
    async with stop_event(parts.settings.lifeline_fd) as stop:
        # A terminal that goes away is a wish to stop like Ctrl-C, unless `nohup` said otherwise.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set)
        with Lifeline() as lifeline, Children() as children:
            supervisor = Supervisor(children, lifeline)
            try:
                await _serve(supervisor, parts, stop, demo=demo)
            finally:
                began = time.monotonic()
                await supervisor.stop()
                log.info("stack_stopped", seconds=round(time.monotonic() - began, 1))
        # From here to the end of the process a second Ctrl-C would only spoil the exit code.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


async def _serve(supervisor: Supervisor, parts: Parts, stop: asyncio.Event, *, demo: bool) -> None:
    began = time.monotonic()
    preparation = parts.preparation()
    if preparation is not None:
        await first_of(supervisor.finish(preparation, PREPARE_SECONDS), stop.wait())
    if stop.is_set():
        return
    for program in parts.programs():
        supervisor.keep(program)
    await first_of(_announce(supervisor, parts, began, demo=demo), supervisor.failed(), stop.wait())
    await stop.wait()


async def _announce(supervisor: Supervisor, parts: Parts, began: float, *, demo: bool) -> None:
    """Tell the user all that is needed as soon as a publish is taken."""
    await wait_until_ready(parts.ports)
    supervisor.ready()
    publish = await publish_of(parts.ports, DEMO_CHANNEL, parts.credentials.token)
    print(banner(parts, publish), file=steady(sys.stdout))
    log.info("stack_ready", seconds=round(time.monotonic() - began, 2))
    if demo:
        supervisor.keep(picture_publisher(parts.pull_url, publish.stream_key))
