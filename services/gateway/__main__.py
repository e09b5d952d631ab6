"""Runs the callback app."""

from __future__ import annotations

import sys

import structlog
import uvloop

from services.gateway.bootstrap import callback_app
from services.gateway.settings import GatewaySettings
from services.runtime import logging
from services.runtime.serving import listen, serve_until
from services.runtime.shutdown import stop_event

log = structlog.get_logger()

EXIT_CANNOT_START = 1


async def run(settings: GatewaySettings) -> None:
    """Serve until asked to stop."""
    async with stop_event(settings.lifeline_fd) as stop:
        try:
            bound = listen(settings.host, settings.port)
        except OSError as error:
            print(f"port {settings.port} cannot be used: {error.strerror}; set STREAMKEEP_PORT", file=sys.stderr)  # noqa: T201
            raise SystemExit(EXIT_CANNOT_START) from error
        async with callback_app(settings) as app:
            log.info("callback_app_started", port=bound.getsockname()[1])
            await serve_until(app.routes(), bound, stop)
            app.stop_admitting()
    log.info("callback_app_stopped")


def main() -> None:
    """Read the settings and run."""
    settings = GatewaySettings.load()
    logging.configure("gateway", level=settings.log_level, form=settings.log_format)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
