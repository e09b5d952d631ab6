"""The metadata service as a program."""

from __future__ import annotations

import asyncio
import socket

import structlog
from fastapi import FastAPI

from services.domain.errors import Unavailable
from services.metadata.bootstrap import application
from services.metadata.settings import MetadataSettings
from services.runtime.logging import configure
from services.runtime.serving import listen, serve_until
from services.runtime.shutdown import stop_event

log = structlog.get_logger()

EXIT_CANNOT_START = 1


def main() -> None:
    """Serve until asked to stop; exit 2 for bad settings, 1 when the port or the state cannot be had."""
    settings = MetadataSettings.load()
    configure("metadata", level=settings.log_level, form=settings.log_format)
    try:
        bound = listen(settings.host, settings.port)
    except OSError as error:
        log.critical(
            "cannot_listen",
            address=f"{settings.host}:{settings.port}",
            error=error.strerror,
            remedy="stop the program that uses this port or set STREAMKEEP_PORT to another",
        )
        raise SystemExit(EXIT_CANNOT_START) from None
    try:
        with application(settings) as app:
            asyncio.run(_serve(app, bound, settings.lifeline_fd))
    except Unavailable as error:
        log.critical("cannot_start", error=str(error))
        raise SystemExit(EXIT_CANNOT_START) from None


async def _serve(app: FastAPI, bound: socket.socket, lifeline_fd: int | None) -> None:
    host, port = bound.getsockname()[:2]
    async with stop_event(lifeline_fd) as stop:
        log.info("listening", address=f"{host}:{port}")
        await serve_until(app, bound, stop)
    log.info("stopped")


if __name__ == "__main__":
    main()
