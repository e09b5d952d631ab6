"""SRT, which PyAV does not speak: the system's ffmpeg reads it and writes MPEG-TS.

The address stands in a script on ffmpeg's standard input, not on its command line, where every user could read its
passphrase.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from subprocess import DEVNULL, PIPE
from urllib.parse import SplitResult, parse_qsl, quote

from services.adapters.address_guard import AddressGuard
from services.domain.errors import StreamkeepError
from services.puller.child_environment import child_environment

TIMEOUT_MICROSECONDS = 6_000_000
_PIECE = 65_536
_PASSED_ON = ("passphrase", "pbkeylen", "streamid", "latency", "rcvlatency", "peerlatency")
_ARGV = (
    "setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--", "ffmpeg", "-hide_banner", "-loglevel", "level+error",
    "-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,srt,udp", "-fpsprobesize", "0",
    "-analyzeduration", "1000000", "-i", "pipe:0", "-map", "0:v?", "-map", "0:a?", "-c", "copy",
    "-flush_packets", "1", "-f", "mpegts", "pipe:1",
)  # fmt: skip


class SrtEnded(StreamkeepError):
    """The SRT connection was not made, or is over."""


def script(guard: AddressGuard, address: SplitResult) -> bytes:
    """Give what ffmpeg is told: the checked IP address, and of the query only what concerns the connection."""
    endpoint = guard.resolve(address.hostname or "", address.port or 0)[0]
    given = {name: value for name, value in parse_qsl(address.query) if name in _PASSED_ON}
    options = {"mode": "caller", "timeout": str(TIMEOUT_MICROSECONDS), "connect_timeout": "3000", **given}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"ffconcat version 1.0\nfile 'srt://{endpoint.authority}?{query}'\n".encode()


async def pieces(guard: AddressGuard, address: SplitResult) -> AsyncIterator[bytes]:
    """Give the stream as MPEG-TS until it ends; raise AddressRefused or SrtEnded."""
    told = await asyncio.to_thread(script, guard, address)
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
