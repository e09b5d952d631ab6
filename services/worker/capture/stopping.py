"""Ends an ffmpeg so that it closes its files: TERM, TERM, then KILL."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio.subprocess import Process

import structlog

from services.worker.capture.pulse import Pulse

log = structlog.get_logger()

TERM_SECONDS = 1.5
"""Blocked in an idle pull, ffmpeg survives the first SIGTERM for ever and ends at the second."""
CLOSING_SECONDS = 6.0
"""One that writes since the first SIGTERM is closing its files, and a second would cut them short."""
KILL_SECONDS = 2.0


async def stop(process: Process) -> None:
    """Stop it; see it gone."""
    pulse = Pulse(process.pid)
    written = pulse.written()
    await _signalled(process, signal.SIGTERM, TERM_SECONDS)
    if process.returncode is None and pulse.written() != written:
        await _ended(process, CLOSING_SECONDS - TERM_SECONDS)
    await _signalled(process, signal.SIGTERM, KILL_SECONDS)
    if process.returncode is None:
        log.warning("ffmpeg_killed")
        await _signalled(process, signal.SIGKILL, None)


async def _signalled(process: Process, number: signal.Signals, seconds: float | None) -> None:
    """Send a signal to a process that has not ended, and wait so long for its end."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    await _ended(process, seconds)


async def _ended(process: Process, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await process.wait()
