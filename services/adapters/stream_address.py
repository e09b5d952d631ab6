"""How a program that reads RTMP or RTSP is led to a source: through a relay's port of this machine, to no other place.

url = reached_through(relay.port, address)
options = options_of(address)              # of the library that reads the stream
look = naming(address, relay.port)         # for what is asked over RTSP
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, urlunsplit

LOOPBACK = "127.0.0.1"
_ON_DEMAND = "ondemand"


def reached_through(port: int, address: SplitResult) -> str:
    """Give the address at the relay's port, credentials included; TLS is the relay's business."""
    userinfo, at, _ = address.netloc.rpartition("@")
    return urlunsplit((_scheme(address), f"{userinfo}{at}{LOOPBACK}:{port}", address.path, address.query, ""))


def options_of(address: SplitResult) -> dict[str, str]:
    """Give the options that go with it: the protocols that may be spoken, and the source's own name."""
    if _scheme(address) == "rtsp":
        return {"protocol_whitelist": "rtsp,rtp,tcp", "rtsp_transport": "tcp"}
    return {"protocol_whitelist": "rtmp,tcp", "rtmp_tcurl": f"{address.scheme}://{_place(address)}/{_app(address)}"}


def naming(address: SplitResult, port: int) -> Callable[[bytes], bytes]:
    """Make RTSP's requests name the host that the caller named, unless a digest was computed over what they say."""
    ours, theirs = f"rtsp://{LOOPBACK}:{port}".encode(), f"rtsp://{_place(address)}".encode()

    def named(piece: bytes) -> bytes:
        return piece if b"Authorization: Digest" in piece else piece.replace(ours, theirs)

    return named


def _scheme(address: SplitResult) -> str:
    return "rtsp" if address.scheme == "rtsp" else "rtmp"


def _place(address: SplitResult) -> str:
    return address.netloc.rpartition("@")[2]


def _app(address: SplitResult) -> str:
    """Give the application's name as ffmpeg divides a path: servers tell their hosts and applications by it."""
    first, *rest = address.path.lstrip("/").split("/", 2)
    has_instance = len(rest) > 1 and ":" not in rest[0] and first != _ON_DEMAND
    return f"{first}/{rest[0]}" if has_instance else first
