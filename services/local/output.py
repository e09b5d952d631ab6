"""The output of a foreign program, made lines of our log."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import structlog

from services.local.program import Program

log = structlog.get_logger()

_MAX_LINE_BYTES = 64 * 1024
_LAST_LINES_SECONDS = 1.0


class Output:
    """Where a program prints to: standard error if it speaks for itself, else a pipe that is read here."""

    def __init__(self, program: Program) -> None:
        """Open the pipe of a relayed program."""
        self._program = program
        self._reading = -1
        self.writing: int | None = None
        if program.relayed:
            self._reading, self.writing = os.pipe()

    def started(self) -> None:
        """Leave the child as the only writer."""
        if self.writing is not None:
            os.close(self.writing)
            self.writing = None

    async def relay(self) -> None:
        """Log line by line until the last writer is gone."""
        lines = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(self._reading, "rb", buffering=0)
        )
        try:
            while True:
                try:
                    raw = await lines.readline()
                except ValueError:
                    raw = b"(a longer line was left out)\n"
                if not raw:
                    return
                self._log(raw)
        finally:
            transport.close()

    def _log(self, raw: bytes) -> None:
        line = raw.decode(errors="replace").rstrip()
        for secret in self._program.hidden:
            line = line.replace(secret.reveal(), "(hidden)")
        if line:
            log.info("output", program=self._program.name, line=line)


@contextlib.asynccontextmanager
async def output_of(program: Program) -> AsyncIterator[Output]:
    """Relay what a program prints while the block runs, and its last lines after it."""
    output = Output(program)
    relay = asyncio.create_task(output.relay(), name=f"relay {program.name}") if program.relayed else None
    try:
        yield output
    finally:
        output.started()
        if relay is not None:
            await asyncio.wait([relay], timeout=_LAST_LINES_SECONDS)
            relay.cancel()
