"""Our own gateway, for a process that will resolve no names."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from services.domain.source import PORTS


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """Where it is reached; `url` names an IP address."""

    url: str
    port: int


def resolved(url: str) -> GatewayPlace:
    """Give the place behind an RTMP address; raise OSError."""
    parts = urlsplit(url)
    port = parts.port or PORTS["rtmp"]
    (_, _, _, _, (address, *_)), *_ = socket.getaddrinfo(parts.hostname, port, socket.AF_INET, socket.SOCK_STREAM)
    return GatewayPlace(urlunsplit(parts._replace(netloc=f"{address}:{port}")), port)
