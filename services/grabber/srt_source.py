"""SRT: ffmpeg's command copies the packets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed
from services.adapters.srt_script import INPUT, script
from services.grabber import program

PIECE_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0
_COMMAND = (
    "ffmpeg", "-v", "quiet", "-probesize", "2000000", "-analyzeduration", "1000000", "-fpsprobesize", "0", *INPUT,
    "-map", "0:v:0", "-c", "copy", "-f", "nut", "-flush_packets", "1", "pipe:1",
)  # fmt: skip


@contextmanager
def packets_of(address: SplitResult, guard: AddressGuard, deadline: Deadline) -> Iterator[Iterator[bytes]]:
    """Give the video of an SRT address as NUT while it comes."""
    told = script(guard, address, connect_ms=int(min(CONNECT_SECONDS, deadline.left) * 1000))
    child = program.start("services.grabber.contained", _COMMAND)
    try:
        yield _read(child, told)
    finally:
        child.kill()


def _read(child: subprocess.Popen[bytes], told: bytes) -> Iterator[bytes]:
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        raise TypeError("both are pipes")
    stdin.write(told)
    stdin.close()
    while piece := os.read(stdout.fileno(), PIECE_BYTES):
        yield piece
    if child.wait() != 0:
        raise FetchFailed("it takes no caller, or what it sends cannot be read")
