"""The way out for addresses that came from outside: where a name leads is checked, and that very place is connected to.

    guard = AddressGuard(networks("10.20.0.0/16"))             # the setting STREAMKEEP_ALLOWED_NETWORKS
    endpoints = guard.resolve("cdn.example", 443)              # raises AddressRefused, an InvalidInput of source_url
    sock = guard.connect("cdn.example", 443, seconds=3)        # the same, and connects to the first that answers

A name is resolved once for each connection, and the connection goes to an address of that answer: whoever resolves it
again (a proxy, ffmpeg, a second lookup) could be given another one. Hand `Endpoint.address` on, never the name.
For HTTP use `guarded_http`, which does all this.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.domain.addresses import NOT_PUBLIC, Network, address, is_reachable
from services.domain.errors import InvalidInput, Unavailable

RESOLVE_SECONDS = 3.0
CONNECT_SECONDS = 3.0
_NAME_MAX = 253  # characters of a host name (RFC 1035)


class AddressRefused(InvalidInput):
    """An address from outside leads to where no stranger may send us; nothing was sent there.

    One sentence for all causes, an unknown name included: who asks learns nothing about the network inside.
    """

    def __init__(self, field: str) -> None:
        """`field` as the caller spelled it."""
        super().__init__(field, NOT_PUBLIC)


class NotConnected(Unavailable):
    """A place that may be connected to does not answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked IP address, and the port."""

    address: str
    port: int

    @property
    def authority(self) -> str:
        """Give it as a URL spells it: IPv6 in brackets."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class AddressGuard:
    """Resolves names for strangers; safe in threads."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        """Let them to public addresses and into the `allowed` networks."""
        self._allowed = tuple(allowed)

    def resolve(self, host: str, port: int, *, field: str = "source_url") -> tuple[Endpoint, ...]:
        """Give the addresses behind `host` that may be connected to, in the system's order; raise AddressRefused."""
        if not 0 < len(host) <= _NAME_MAX or "\0" in host:
            raise AddressRefused(field)
        found = dict.fromkeys(_lookup(host, port, field))
        endpoints = tuple(Endpoint(each, port) for each in found if is_reachable(address(each), self._allowed))
        if not endpoints:
            raise AddressRefused(field)
        return endpoints

    def connect(
        self, host: str, port: int, *, seconds: float = CONNECT_SECONDS, field: str = "source_url"
    ) -> socket.socket:
        """Give a TCP connection within `seconds`, with that timeout set; raise AddressRefused or NotConnected."""
        give_up_at = time.monotonic() + seconds
        cause: OSError | None = None
        for endpoint in self.resolve(host, port, field=field):
            try:
                left = max(0.05, give_up_at - time.monotonic())
                connection = socket.create_connection((endpoint.address, port), timeout=left)
            except OSError as error:
                cause = error
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(seconds)
                return connection
        raise NotConnected(f"it takes no connection: {(cause and cause.strerror) or 'timed out'}")


def _lookup(host: str, port: int, field: str) -> list[str]:
    """Ask the system's resolver, which knows no timeout of its own, for RESOLVE_SECONDS."""
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # also UnicodeError: what IDNA cannot encode
            found = []
        answers.put([str(place[0]) for *_, place in found])

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        return answers.get(timeout=RESOLVE_SECONDS)
    except queue.Empty:
        raise AddressRefused(field) from None
