"""RTMP and RTSP: a child copies the packets, through a relay that leads to the guarded address only."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult

import httpx

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed
from services.adapters.rtsp_replies import RtspReplies
from services.adapters.stream_address import naming, options_of, reached_through
from services.domain.source import PORTS
from services.grabber import copier, program
from services.grabber.relay import Place, Relay

PIECE_BYTES = 64 * 1024
_SAID = {
    copier.EXIT_NO_VIDEO: "it holds no video",
    copier.EXIT_NO_SANDBOX: "this machine has no sandbox to read it in",
}


@contextmanager
def packets_of(address: SplitResult, guard: AddressGuard, deadline: Deadline) -> Iterator[Iterator[bytes]]:
    """Give the video of an RTMP(S) or RTSP(S) address as NUT while it comes."""
    relay = _relay(address, guard, deadline)
    is_rtsp = address.scheme == "rtsp"
    child = program.start("services.grabber.copier")
    try:
        order = _rtsp(address, relay.port) if is_rtsp else _rtmp(address, relay.port)
        yield _read(child, json.dumps(order | {"port": relay.port}).encode() + b"\n", relay)
    finally:
        relay.close()
        child.kill()


def _read(child: subprocess.Popen[bytes], order: bytes, relay: Relay) -> Iterator[bytes]:
    stdin, stdout = child.stdin, child.stdout
    if stdin is None or stdout is None:
        raise TypeError("both are pipes")
    stdin.write(order)
    stdin.close()
    while piece := os.read(stdout.fileno(), PIECE_BYTES):
        yield piece
    code = child.wait()
    if relay.failure is not None:
        raise relay.failure
    if code != 0:
        raise FetchFailed(_SAID.get(code, "it takes no player, or what it sends cannot be read"))


def _relay(address: SplitResult, guard: AddressGuard, deadline: Deadline) -> Relay:
    tls = httpx.create_ssl_context() if address.scheme == "rtmps" else None
    place = Place(host=address.hostname or "", port=address.port or PORTS[address.scheme], tls=tls)
    if address.scheme == "rtsp":
        return Relay(guard, place, deadline, out=lambda port: naming(address, port), back=lambda: RtspReplies().passed)
    return Relay(guard, place, deadline)


def _rtmp(address: SplitResult, port: int) -> dict[str, object]:
    options = options_of(address) | {"rtmp_live": "any"}
    return {"url": reached_through(port, address), "format": "flv", "options": options}


def _rtsp(address: SplitResult, port: int) -> dict[str, object]:
    options = options_of(address) | {"allowed_media_types": "video"}
    return {"url": reached_through(port, address), "format": "rtsp", "options": options}
