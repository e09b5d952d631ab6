"""A connection to a source that only we made: to an address that was checked, and to no other.

The program that reads the stream connects to a port of this machine, and what it says is carried over. So it needs no
name, cannot be led to another place, and RTMPS is spoken with a certificate that is valid for the source's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import SplitResult

import structlog

from services.adapters.address_guard import AddressGuard
from services.adapters.rtsp_replies import Redirected, RtspReplies
from services.adapters.stream_address import LOOPBACK, naming
from services.domain.errors import StreamkeepError
from services.domain.source import PORTS

log = structlog.get_logger()

CONNECTIONS_MAX = 4  # an RTMP client connects anew when it is asked for credentials
TLS_SECONDS = 5.0
_PIECE = 65_536

Judge = Callable[[bytes], bytes]


class NoTls(StreamkeepError):
    """The source's certificate is not valid for its name, or it speaks no TLS."""


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """Carries the bytes of a few connections to one source; `trouble` is why it cut one, None where it did not."""

    def __init__(self, guard: AddressGuard, address: SplitResult) -> None:
        """Connect to `address` where `guard` allows it."""
        self._guard = guard
        self._address = address
        self._first: Stream | None = None
        self._made = 0
        self.trouble: str | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Connect once, and give the port to connect to; raise AddressRefused, NotConnected or NoTls."""
        self._first = await self._connect()
        server = await asyncio.start_server(self._accepted, LOOPBACK, 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)
            if self._first is not None:
                self._first[1].transport.abort()

    async def _connect(self) -> Stream:
        host, scheme = self._address.hostname or "", self._address.scheme
        port = self._address.port or PORTS[scheme]
        connection = await asyncio.to_thread(self._guard.connect, host, port)
        connection.setblocking(False)
        try:
            return await _opened(connection, host if scheme == "rtmps" else None)
        except OSError as error:  # ssl.SSLError is one
            connection.close()
            raise NoTls("its certificate is not valid for its name, or it speaks no TLS") from error

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._made >= CONNECTIONS_MAX:
            writer.close()
            return
        self._made += 1
        self._carrying.add(task)
        try:
            await self._carry(reader, writer)
        except (OSError, StreamkeepError) as error:
            log.info("source_connection_ended", error=type(error).__name__)
        finally:
            self._carrying.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, self._first = self._first or await self._connect(), None
        asked, told = self._judges(writer)
        ways = [
            asyncio.create_task(_pump(reader, source[1], asked)),
            asyncio.create_task(_pump(source[0], writer, told)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            source[1].transport.abort()
            for way in ways:
                way.cancel()
            ends = await asyncio.gather(*ways, return_exceptions=True)
        self.trouble = next((str(end) for end in ends if isinstance(end, Redirected)), None)

    def _judges(self, inside: asyncio.StreamWriter) -> tuple[Judge, Judge]:
        """Give what looks at what is asked, and at what the source answers."""
        if self._address.scheme != "rtsp":
            return bytes, bytes
        _, port = inside.get_extra_info("sockname")
        return naming(self._address, port), RtspReplies().passed


async def _opened(connection: socket.socket, tls_name: str | None) -> Stream:
    if tls_name is None:
        return await asyncio.open_connection(sock=connection)
    async with asyncio.timeout(TLS_SECONDS):
        context = ssl.create_default_context()
        return await asyncio.open_connection(sock=connection, ssl=context, server_hostname=tls_name)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, judge: Judge) -> None:
    """Carry bytes until their end, each piece as `judge` lets it pass."""
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(_PIECE):
            writer.write(judge(piece))
            await writer.drain()
