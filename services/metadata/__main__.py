"""The metadata service as a program."""

from __future__ import annotations

import asyncio
import socket

import structlog
from fastapi import FastAPI

from services.metadata.bootstrap import application
from services.metadata.settings import MetadataSettings
from services.runtime.logging import configure
from services.runtime.serving import serve_until
from services.runtime.shutdown import stop_event
from services.runtime.starting import exit_if_unavailable, listen_or_exit

log = structlog.get_logger()


def main() -> None:
    """Serve until asked to stop; exit 2 for bad settings, 1 when the port or the state cannot be had."""
    settings = MetadataSettings.load()
    configure("metadata", level=settings.log_level, form=settings.log_format)
    bound = listen_or_exit(settings.host, settings.port)
    with exit_if_unavailable(), application(settings) as app:
        asyncio.run(_serve(app, bound, settings.lifeline_fd))


async def _serve(app: FastAPI, bound: socket.socket, lifeline_fd: int | None) -> None:
    host, port = bound.getsockname()[:2]
    async with stop_event(lifeline_fd) as stop:
        log.info("listening", address=f"{host}:{port}")
        await serve_until(app, bound, stop)
    log.info("stopped")


if __name__ == "__main__":
    main()
