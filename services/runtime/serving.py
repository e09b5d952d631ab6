"""An HTTP server that stops with an event of ours instead of taking the signals itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from services.runtime.beat import until_beat

TICK_SECONDS = 1.0
"""How often the date that every answer carries is renewed."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._asked_to_end = asyncio.Event()

    def end(self) -> None:
        """Let `serve` return."""
        self.should_exit = True
        self._asked_to_end.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close also who comes in the last moment: asyncio and uvicorn leave those open."""
        for bound in sockets or ():
            asyncio.get_running_loop().remove_reader(bound)
        # Whom a server took whose closing comes before their transport is nobody's (CPython's gh-109564).
        await asyncio.sleep(0)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def main_loop(self) -> None:
        """Wait for the end; uvicorn would look for it ten times a second, most of what an idle service does."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_beat(TICK_SECONDS)):
                    await self._asked_to_end.wait()


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen at once, so that a taken port is an OSError here and not a log line later; port 0 picks one."""
    bound = socket.create_server((host, port), backlog=1024)
    # asyncio sets this only where a socket names its protocol, which those of create_server do not: without it
    # every answer waits some 40 ms for the client's delayed acknowledgement. Accepted sockets inherit it.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.setblocking(False)
    return bound


@contextlib.asynccontextmanager
async def serving(app: Any, bound: socket.socket, *, drain_seconds: int = 5) -> AsyncIterator[None]:  # noqa: ANN401 - any ASGI application
    """Serve `app` on a bound socket while the block runs; then let open requests finish for `drain_seconds`."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=drain_seconds,
        timeout_keep_alive=30,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]), name="http server")
    try:
        yield
    finally:
        server.end()
        await task


async def serve_until(app: Any, bound: socket.socket, stop: asyncio.Event) -> None:  # noqa: ANN401 - any ASGI application
    """Serve `app` until `stop` is set."""
    async with serving(app, bound):
        await stop.wait()
