"""The pulse of publishers: when each was last seen to send something."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import structlog

from services.domain.errors import GatewayUnavailable
from services.domain.session import Publisher
from services.gateway.nginx_client import Census, NginxClient

log = structlog.get_logger()

PULSE_SECONDS = 0.5
"""How often nginx is asked: a publisher's silence is known to within this."""
IDLE_SECONDS = 2.0
"""How often while nobody publishes."""
STIRRED_SECONDS = 3.0
"""For how long after an arrival it is asked often although nobody publishes yet: who is held appears when let go."""


@dataclass(frozen=True, slots=True)
class _Beat:
    """What a connection had sent (bytes), and when it was first seen to have (monotonic seconds)."""

    sent: int
    since: float


@dataclass(slots=True, kw_only=True)
class Pulse:
    """Asks nginx, and nothing else, how much each publisher has sent; what it keeps is about those connected now.

    nginx counts a stream's bytes message by message as they come, whoever plays; its rates stay 0 for seconds.
    """

    nginx: NginxClient
    _beats: dict[tuple[str, str], _Beat] = field(default_factory=dict)
    _last: Census | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _noted: asyncio.Event = field(default_factory=asyncio.Event)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _stirred_until: float = 0.0

    async def run(self) -> None:
        """Take it until cancelled; that nginx does not answer is the watch's to say."""
        while True:
            try:
                await self.taken()
            except GatewayUnavailable as error:
                log.debug("pulse_missed", error=str(error))
            await self._pause()

    async def next(self) -> Census:
        """Wait for the next census, whoever asks for it."""
        while True:
            await self._noted.wait()
            if self._last is not None:
                return self._last

    def stir(self) -> None:
        """Look soon: somebody comes."""
        self._stirred_until = time.monotonic() + STIRRED_SECONDS
        self._stirred.set()

    async def _pause(self) -> None:
        if self._beats or time.monotonic() < self._stirred_until:
            await asyncio.sleep(PULSE_SECONDS)
            return
        self._stirred.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await self._stirred.wait()

    async def taken(self) -> Census:
        """Give a census asked for after this call, shared by all who ask meanwhile; raise GatewayUnavailable."""
        called_at = time.monotonic()
        async with self._asking:
            if self._last is None or self._last.asked_at_monotonic < called_at:
                census = await self.nginx.census()
                self._note(census, time.monotonic())
                self._last = census
                self._noted.set()
                self._noted = asyncio.Event()
            return self._last

    def heard_at(self, publisher: Publisher) -> float | None:
        """Give when (monotonic) this connection was last seen to have sent more, None if it is not connected."""
        return self.heard_from(publisher.gateway, publisher.client_id)

    def heard_from(self, gateway: str, client_id: str) -> float | None:
        """Give the same of a connection by its names."""
        beat = self._beats.get((gateway, client_id))
        return None if beat is None else beat.since

    def _note(self, census: Census, now: float) -> None:
        beats = {}
        for stream in census.streams.values():
            if stream.publisher is None:
                continue
            connection = (census.gateway, stream.publisher)
            before = self._beats.get(connection)
            is_still = before is not None and before.sent == stream.bytes_in
            beats[connection] = before if before is not None and is_still else _Beat(stream.bytes_in, now)
        self._beats = beats
