"""The start of a service that listens: what cannot begin says what to do and exits 1."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from services.domain.errors import Unavailable
from services.runtime.serving import listen

log = structlog.get_logger()

EXIT_CANNOT_START = 1


def listen_or_exit(host: str, port: int) -> socket.socket:
    """Bind and listen, or exit."""
    try:
        return listen(host, port)
    except OSError as error:
        log.critical(
            "cannot_listen",
            address=f"{host}:{port}",
            error=error.strerror,
            remedy="stop the program that uses this port or set STREAMKEEP_PORT to another",
        )
        raise SystemExit(EXIT_CANNOT_START) from None


@contextmanager
def exit_if_unavailable() -> Iterator[None]:
    """Exit where the block meets something outside that does not answer."""
    try:
        yield
    except Unavailable as error:
        log.critical("cannot_start", error=str(error))
        raise SystemExit(EXIT_CANNOT_START) from None
