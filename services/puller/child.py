"""The process that carries one source over, seen from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from subprocess import DEVNULL, PIPE
from typing import Any

import structlog

from services.puller.order import Order
from services.runtime.child_environment import child_environment

log = structlog.get_logger()

OPEN_SECONDS = 25.0
"""From the start to the first packet published: connecting, a playlist and segments, a keyframe."""
RUNNING_SECONDS = 8.0
"""The child tells once a second that it publishes; without a word for this long nothing comes, or it hangs."""
_LINE_MAX = 64 * 1024
_ARGV = ("setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--", sys.executable, "-m", "services.puller.remux")


@dataclass(slots=True)
class Child:
    """One life of it; `ran` is for how many seconds it has published."""

    process: asyncio.subprocess.Process
    ran: float = 0.0

    async def write(self, piece: bytes) -> None:
        """Hand on a piece of the stream; wait while it has enough."""
        if self.process.stdin is None:
            return
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(piece)
            await self.process.stdin.drain()

    def end_of_stream(self) -> None:
        """Say that no more comes."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Give what it tells until it is over, or silent for too long: then the last says so."""
        reader = self.process.stdout
        if reader is None:
            return
        patience = OPEN_SECONDS
        while True:
            try:
                async with asyncio.timeout(patience):
                    line = await reader.readline()
            except TimeoutError:
                yield {"event": "over", "cause": "source", "detail": f"nothing came from it for {patience:g} s"}
                return
            if not line:
                yield {"event": "over", "cause": "broken", "detail": f"exit {await self.process.wait()}"}
                return
            told: dict[str, Any] = json.loads(line)
            if told["event"] == "running":
                self.ran, patience = told["seconds"], RUNNING_SECONDS
            yield told
            if told["event"] == "over":
                return


@asynccontextmanager
async def child(order: Order) -> AsyncIterator[Child]:
    """Run it while the block runs; raise OSError if it cannot be started."""
    process = await asyncio.create_subprocess_exec(
        *_ARGV, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=child_environment(), limit=_LINE_MAX
    )
    try:
        running = Child(process)
        if process.stdin is not None:
            process.stdin.transport.set_write_buffer_limits(0)  # what is written has been taken
        await running.write(json.dumps(asdict(order)).encode() + b"\n")
        if order.source is not None:
            running.end_of_stream()
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
