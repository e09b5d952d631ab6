"""SRT: ffmpeg's command copies the packets, for PyAV's ffmpeg knows no SRT.

The address is resolved and guarded before, SRT knows no redirects, and what ffmpeg is to open stands in a list on its
standard input: a passphrase in a command line could be read by every process of the machine.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, parse_qsl

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed
from services.domain.errors import InvalidInput
from services.grabber import program

PIECE_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0
# Those of ffmpeg's that say something about the stream; the others are about this machine.
_OPTIONS = frozenset({"streamid", "passphrase", "pbkeylen", "latency", "transtype"})
_IGNORED = frozenset({("mode", "caller")})
_COMMAND = (
    "ffmpeg -v quiet -probesize 2000000 -analyzeduration 1000000 -fpsprobesize 0 "
    "-f concat -safe 0 -protocol_whitelist pipe,srt,udp -i pipe:0 "
    "-map 0:v:0 -c copy -f nut -flush_packets 1 pipe:1"
)


@contextmanager
def packets_of(address: SplitResult, guard: AddressGuard, deadline: Deadline) -> Iterator[Iterator[bytes]]:
    """Give the video of an SRT address as NUT while it comes."""
    options = _options(address)
    endpoint = guard.resolve(address.hostname or "", address.port or 0)[0]
    connect_ms = str(int(min(CONNECT_SECONDS, deadline.left) * 1000))
    directives = {"connect_timeout": connect_ms} | options
    lines = [
        "ffconcat version 1.0",
        f"file {_quoted(f'srt://{endpoint.authority}?mode=caller')}",
        *(f"option {name} {_quoted(value)}" for name, value in directives.items()),
    ]
    child = program.start("services.grabber.contained", _COMMAND.split())
    try:
        yield _read(child, "\n".join(lines).encode() + b"\n")
    finally:
        child.kill()


def _read(child: subprocess.Popen[bytes], script: bytes) -> Iterator[bytes]:
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        raise TypeError("both are pipes")
    stdin.write(script)
    stdin.close()
    while piece := os.read(stdout.fileno(), PIECE_BYTES):
        yield piece
    if child.wait() != 0:
        raise FetchFailed("it takes no caller, or what it sends cannot be read")


def _options(address: SplitResult) -> dict[str, str]:
    found = [pair for pair in parse_qsl(address.query) if pair not in _IGNORED]
    if any(name not in _OPTIONS for name, _ in found):
        raise InvalidInput("source_url", f"an SRT address may ask for {', '.join(sorted(_OPTIONS))} and nothing else")
    return dict(found)


def _quoted(text: str) -> str:
    """Spell a word as ffmpeg's lists do."""
    if any(letter in text for letter in "\r\n\0"):
        raise InvalidInput("source_url", "it holds an encoded line's end")
    return "'" + text.replace("'", r"'\''") + "'"
