"""A stream over SRT, which the system's ffmpeg reads and writes as MPEG-TS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from subprocess import DEVNULL, PIPE
from urllib.parse import SplitResult

from services.adapters.address_guard import AddressGuard
from services.adapters.srt_script import INPUT, script
from services.domain.errors import StreamkeepError
from services.runtime.child_environment import child_environment

CONNECT_MS, SILENT_MS = 3_000, 6_000
_PIECE = 65_536
_ARGV = (
    "setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--", "ffmpeg", "-hide_banner", "-loglevel", "level+error",
    "-fpsprobesize", "0", "-analyzeduration", "1000000", *INPUT, "-map", "0:v?", "-map", "0:a?", "-c", "copy",
    "-flush_packets", "1", "-f", "mpegts", "pipe:1",
)  # fmt: skip


class SrtEnded(StreamkeepError):
    """The SRT connection was not made, or is over."""


async def pieces(guard: AddressGuard, address: SplitResult) -> AsyncIterator[bytes]:
    """Give the stream as MPEG-TS until it ends; raise AddressRefused or SrtEnded."""
    told = await asyncio.to_thread(script, guard, address, connect_ms=CONNECT_MS, silent_ms=SILENT_MS)
    process = await asyncio.create_subprocess_exec(
        *_ARGV, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=child_environment()
    )
    if process.stdin is None or process.stdout is None:
        raise SrtEnded
    try:
        process.stdin.write(told)
        process.stdin.close()
        while piece := await process.stdout.read(_PIECE):
            yield piece
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    raise SrtEnded("it took no connection, or its connection is over")
