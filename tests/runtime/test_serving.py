"""Who is still connected when a server ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from services.runtime.serving import listen, serving

Run = Callable[[Coroutine[None, None, bytes]], bytes]
REQUEST = b"GET / HTTP/1.1\r\nHost: streamkeep\r\n\r\n"


async def closed_after(answer: Callable[[], Awaitable[None]]) -> tuple[bytes, float]:
    """Ask a server that ends at once; give what its client read before it was closed, and how long that took (s)."""
    is_asked = asyncio.Event()

    async def app(scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        del receive
        if scope["type"] != "http":
            return
        is_asked.set()
        await answer()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    bound = listen("127.0.0.1", 0)
    with socket.create_connection(bound.getsockname()) as client:
        async with serving(app, bound, drain_seconds=1):
            client.sendall(REQUEST)
            await is_asked.wait()
            began = time.monotonic()
        took = time.monotonic() - began
        return await until_closed(client), took


async def silent(scope: object, receive: object, send: object) -> None:
    """Answer nothing."""
    del scope, receive, send


async def until_closed(client: socket.socket) -> bytes:
    client.setblocking(False)
    read = b""
    async with asyncio.timeout(2):
        with contextlib.suppress(ConnectionResetError):
            while some := await asyncio.get_running_loop().sock_recv(client, 4096):
                read += some
    return read


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("turns", range(5))
def test_who_connects_while_the_server_ends_is_not_left_open(run: Run, turns: int) -> None:
    async def connected_and_closed() -> bytes:
        bound = listen("127.0.0.1", 0)
        address = bound.getsockname()
        async with serving(silent, bound, drain_seconds=1):
            await answered(address)
            client = socket.create_connection(address)
            for _ in range(turns):
                await asyncio.sleep(0)
        with client:
            return await until_closed(client)

    assert run(connected_and_closed()) == b""


async def answered(address: tuple[str, int]) -> None:
    """Wait until somebody accepts there."""
    _, writer = await asyncio.open_connection(*address)
    writer.close()
    await writer.wait_closed()


def test_a_request_that_ends_in_time_is_answered_and_its_connection_is_closed() -> None:
    read, took = asyncio.run(closed_after(lambda: asyncio.sleep(0.3)))

    assert read.startswith(b"HTTP/1.1 204")
    assert took < 1


def test_a_request_that_does_not_end_in_time_is_not_left_open() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    read, took = asyncio.run(closed_after(never))

    assert b" 204 " not in read
    assert took < 3
