"""How the program that reads a stream is told where it is: through a port of this machine."""

from __future__ import annotations

from urllib.parse import SplitResult, urlunsplit

from services.puller.relay import LOOPBACK

_PROBE = {"fpsprobesize": "0", "analyzeduration": "1000000"}
"""Long enough to find the sound; the default costs seconds."""
_FED = {"protocol_whitelist": "pipe", "format_whitelist": "mpegts,mov,flv,matroska,h264,aac,mp3,ac3,eac3,nut"}
"""Of what is fed, only containers: a list of other places (SDP, concat, a playlist) would have them opened."""


def reached_through(port: int, address: SplitResult) -> tuple[str, dict[str, str]]:
    """Give the address at the relay's port, credentials included, and the options that go with it."""
    userinfo, at, _ = address.netloc.rpartition("@")
    scheme = "rtsp" if address.scheme == "rtsp" else "rtmp"
    url = urlunsplit((scheme, f"{userinfo}{at}{LOOPBACK}:{port}", address.path, address.query, ""))
    if scheme == "rtsp":
        return url, {**_PROBE, "protocol_whitelist": "rtsp,rtp,tcp", "rtsp_transport": "tcp"}
    return url, {**_PROBE, "protocol_whitelist": "rtmp,tcp", "rtmp_tcurl": _tc_url(address)}


def probe_options() -> dict[str, str]:
    """Give the options of a stream that comes on standard input."""
    return _PROBE | _FED


def _tc_url(address: SplitResult) -> str:
    """Give what an RTMP client calls the application, by the source's own name: servers tell their hosts by it."""
    place = address.netloc.rpartition("@")[2]
    segments = address.path.lstrip("/").split("/")
    app = "/".join(segments[:2] if len(segments) > 2 else segments[:1])  # noqa: PLR2004 - as ffmpeg divides it
    return f"{address.scheme}://{place}/{app}"
