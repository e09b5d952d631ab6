"""Runs the callback app."""

from __future__ import annotations

import sys
from typing import NoReturn

import structlog
import uvloop

from services.domain.errors import StateUnavailable, Unavailable
from services.gateway.app import CallbackApp
from services.gateway.bootstrap import callback_app
from services.gateway.settings import GatewaySettings
from services.runtime import emf, logging
from services.runtime.first_of import first_of
from services.runtime.serving import listen, serving
from services.runtime.shutdown import Stop, stop_event

log = structlog.get_logger()

EXIT_CANNOT_START = 1


async def run(settings: GatewaySettings) -> None:
    """Serve until asked to stop; exit 1, saying what to do, if that cannot begin."""
    async with stop_event(settings.lifeline_fd) as stop:
        try:
            bound = listen(settings.host, settings.port)
        except OSError as error:
            _give_up(f"port {settings.port} of {settings.host} cannot be used: {error.strerror}; set STREAMKEEP_PORT")
        with bound:
            try:
                async with (
                    callback_app(settings) as app,
                    emf.told(settings.metrics_stack, app.gathering.counts.registry),
                    serving(app.routes(), bound),
                ):
                    log.info("callback_app_started", port=bound.getsockname()[1])
                    await stop.wait()
                    await _drain(app, settings.stop_drain_seconds, stop)
            except StateUnavailable as error:
                _give_up(f"{error}; STREAMKEEP_STATE_PATH names the file")
            except Unavailable as error:
                _give_up(str(error))
    log.info("callback_app_stopped")


async def _drain(app: CallbackApp, seconds: float, stop: Stop) -> None:
    """Let the publishers go, unless that is not wanted or everything is to end at once."""
    if seconds and not stop.at_once.is_set():
        await first_of(app.draining.finish(seconds), stop.at_once.wait())


def _give_up(message: str) -> NoReturn:
    print(message, file=sys.stderr)  # noqa: T201
    raise SystemExit(EXIT_CANNOT_START)


def main() -> None:
    """Read the settings and run."""
    settings = GatewaySettings.load()
    logging.configure("gateway", level=settings.log_level, form=settings.log_format)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
