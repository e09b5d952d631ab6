"""One stream's way out for a child that may connect to nothing else: a port of this machine that leads to one place.

The place is guarded and connected to here, TLS and its certificate included, so that the child speaks plainly to
127.0.0.1 and never learns a name to resolve. What comes back can be looked at: an RTSP redirect never arrives.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed
from services.domain.errors import StreamkeepError

CONNECTIONS_MAX = 3  # RTMP's authentication connects anew
_PIECE = 64 * 1024
Look = Callable[[bytes], bytes]
"""Gives of what came what is passed on; raises to end the connection."""


def pass_on(data: bytes) -> bytes:
    """Look at nothing."""
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a relay leads; `tls` None: plainly."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Relay:
    """Listens on a port of 127.0.0.1 until it is closed; what fails on its way out is kept in `failure`."""

    def __init__(
        self,
        guard: AddressGuard,
        place: Place,
        deadline: Deadline,
        *,
        out: Callable[[int], Look] = lambda _: pass_on,
        back: Callable[[], Look] = lambda: pass_on,
    ) -> None:
        """Lead to `place`; `out` (given the relay's port) and `back` make what looks at each direction's bytes."""
        self._guard, self._place, self._deadline = guard, place, deadline
        self._out, self._back = out, back
        self.failure: StreamkeepError | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port: int = self._listener.getsockname()[1]
        # The first connection is made at once: what cannot be reached is known before a child is started.
        self._first: socket.socket | None = self._connect()
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _connect(self) -> socket.socket:
        place = self._place
        connection = self._guard.connect(place.host, place.port, seconds=min(3.0, self._deadline.left))
        if place.tls is not None:
            connection = _secured(connection, place.tls, place.host)
        connection.settimeout(max(0.1, self._deadline.left))
        return connection

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            for _ in range(CONNECTIONS_MAX):
                inside, _address = self._listener.accept()
                outside, self._first = self._first or self._connect(), None
                self._join(inside, outside)

    def _join(self, inside: socket.socket, outside: socket.socket) -> None:
        inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inside.settimeout(max(0.1, self._deadline.left))
        for source, sink, look in ((inside, outside, self._out(self.port)), (outside, inside, self._back())):
            threading.Thread(target=self._pump, args=(source, sink, look), name="relay pump", daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, look: Look) -> None:
        try:
            for piece in _pieces(source):
                sink.sendall(look(piece))
        except StreamkeepError as error:
            self.failure = error
        except OSError:
            pass
        finally:
            for each in (source, sink):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _secured(connection: socket.socket, tls: ssl.SSLContext, name: str) -> socket.socket:
    try:
        return tls.wrap_socket(connection, server_hostname=name)
    except OSError as error:  # SSLError is one
        connection.close()
        raise FetchFailed("its certificate is not valid for its name, or it speaks no TLS") from error


def _pieces(source: socket.socket) -> Iterator[bytes]:
    while piece := source.recv(_PIECE):
        yield piece
