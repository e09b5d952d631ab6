"""Runs the standard library's servers in a thread, for doubles that speak HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

STOP_SECONDS = 30.0


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Serve while the block runs; the listening socket is closed after it."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(STOP_SECONDS)
        server.server_close()
