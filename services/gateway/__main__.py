"""Runs the callback app."""

from __future__ import annotations

import sys
from typing import NoReturn

import structlog
import uvloop

from services.domain.errors import StateUnavailable
from services.gateway.bootstrap import callback_app
from services.gateway.settings import GatewaySettings
from services.runtime import logging
from services.runtime.serving import listen, serve_until
from services.runtime.shutdown import stop_event

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
                async with callback_app(settings) as app:
                    log.info("callback_app_started", port=bound.getsockname()[1])
                    await serve_until(app.routes(), bound, stop)
            except StateUnavailable as error:
                _give_up(f"{error}; STREAMKEEP_STATE_PATH names the file")
    log.info("callback_app_stopped")


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
