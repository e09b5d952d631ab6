"""The network as `guarded_http` sees it: guarded when it connects, and no wait outlasts the deadline."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

from services.adapters.address_guard import CONNECT_SECONDS, AddressGuard
from services.adapters.deadline import Deadline

_LONGEST = 3600.0  # seconds; where no deadline was given
_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def bounded_by(deadline: Deadline) -> Iterator[None]:
    """Let every wait in the block end at `deadline`: with a timeout for each read a drip of bytes goes on for ever."""
    before = _deadline.get()
    _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.set(before)


def _left(most: float | None = None) -> float:
    deadline = _deadline.get()
    left = _LONGEST if deadline is None else deadline.left
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if most is None else min(left, most)


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to the addresses that a guard gives for a name, and to no other."""

    def __init__(self, guard: AddressGuard, field: str) -> None:
        """Ask `guard`; `field` is named in what it refuses."""
        self._guard = guard
        self._field = field
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the allowed addresses that answers."""
        failure: Exception = httpcore.ConnectError()
        for endpoint in self._guard.resolve(host, port, field=self._field):
            try:
                stream = self._sockets.connect_tcp(
                    endpoint.address,
                    port,
                    _left(CONNECT_SECONDS if timeout is None else timeout),
                    local_address,
                    socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Bounded(stream)
        raise failure


class _Bounded(httpcore.NetworkStream):
    """A connection whose waits end at the deadline of the request that it serves."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's own signature
        return self._stream.get_extra_info(info)
