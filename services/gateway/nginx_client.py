"""Talks to the gateway's nginx: who is connected, and cut this one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
from defusedxml import DefusedXmlException, ElementTree

from services.domain.clock import Clock
from services.domain.errors import GatewayUnavailable
from services.domain.gateways import Connection
from services.domain.session import Publisher
from services.runtime.knocking import knock

_APPLICATION = "stream"
TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream name: its publisher's client id (None while nobody publishes) and its players' client ids.

    `bytes_in` grows with each message that a publisher of it has sent.
    """

    publisher: str | None
    players: frozenset[str]
    bytes_in: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What one life of nginx had connected when asked: streams by channel id.

    `gateway` is that life's name, as in `Publisher`; `asked_at` is the wall clock's time before the question and
    `asked_at_monotonic` the same in monotonic seconds. A gateway that is gone has nobody connected.
    """

    gateway: str
    is_gone: bool
    streams: Mapping[str, Stream]
    asked_at: datetime
    asked_at_monotonic: float

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those who publish, by channel."""
        publishers = {name: stream.publisher for name, stream in sorted(self.streams.items())}
        return tuple(Connection(channel_id=name, client_id=each) for name, each in publishers.items() if each)

    def has(self, publisher: Publisher, channel_id: str) -> bool:
        """Say whether this very connection publishes to the channel."""
        stream = self.streams.get(channel_id)
        return stream is not None and publisher.is_same_connection(self.gateway, stream.publisher or "")


def read_stat(document: str) -> dict[str, Stream]:
    """Read the XML of rtmp_stat; raise GatewayUnavailable if it is none."""
    try:
        root = ElementTree.fromstring(document)
    except (ElementTree.ParseError, DefusedXmlException) as error:
        raise GatewayUnavailable("nginx's /stat is not the XML of rtmp_stat") from error
    streams = {}
    for application in root.iterfind("./server/application"):
        if application.findtext("name") != _APPLICATION:
            continue
        for stream in application.iterfind("./live/stream"):
            clients = [(client.findtext("id") or "", client) for client in stream.iterfind("client")]
            streams[stream.findtext("name") or ""] = Stream(
                publisher=next((number for number, client in clients if client.find("publishing") is not None), None),
                players=frozenset(number for number, client in clients if client.find("publishing") is None),
                bytes_in=int(stream.findtext("bytes_in") or 0),
            )
    return streams


class NginxClient:
    """The loopback port of nginx; every call raises GatewayUnavailable if it does not answer.

    `name` and nginx's boot together name one life of the gateway.
    """

    def __init__(self, base_url: str, *, name: str, clock: Clock) -> None:
        """Speak to `base_url`, for example http://127.0.0.1:8001."""
        self._http = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_SECONDS, trust_env=False)
        split = urlsplit(base_url)
        self._address = (split.hostname or "", split.port or 80)
        self._name = name
        self._clock = clock

    def gateway(self, boot: str) -> str:
        """Name one life of this gateway."""
        return f"{self._name}/{boot}"

    def is_ours(self, publisher: Publisher) -> bool:
        """Say whether a connection is, or was, on a life of this gateway."""
        return self.is_own(publisher.gateway)

    def is_own(self, gateway: str) -> bool:
        """Say whether that is the name of a life of this gateway."""
        return gateway.startswith(f"{self._name}/")

    async def census(self) -> Census:
        """Give who is connected; nobody where nothing listens any more, since an nginx takes its clients with it."""
        asked_at, asked_at_monotonic = self._clock.now(), time.monotonic()
        try:
            boot = (await self._get("/boot")).text
            streams = read_stat((await self._get("/stat")).text)
        except GatewayUnavailable:
            if not await self._is_gone():
                raise
            boot, streams = "", {}
        return Census(
            gateway=self.gateway(boot),
            is_gone=not boot,
            streams=streams,
            asked_at=asked_at,
            asked_at_monotonic=asked_at_monotonic,
        )

    async def check(self) -> None:
        """Raise GatewayUnavailable if nginx does not answer."""
        await self._get("/stat")

    async def drop_publisher(self, gateway: str, channel_id: str, client_id: str) -> None:
        """Cut one connection; nothing happens if it, or that life of the gateway, is gone."""
        boot = gateway.removeprefix(f"{self._name}/")
        await self._get(
            f"/control/{boot}/drop/publisher",
            gone_is_fine=True,
            app=_APPLICATION,
            name=channel_id,
            clientid=client_id,
        )

    async def stop_recording(self, boot: str, channel_id: str) -> None:
        """Have a stream's recording closed; nothing happens if it, or that life of nginx, is gone."""
        await self._get(f"/control/{boot}/record/stop", gone_is_fine=True, app=_APPLICATION, name=channel_id)

    async def start_recording(self, boot: str, channel_id: str) -> None:
        """Have a stream recorded into a new file from now on, keyframe or not; nothing happens if it is gone."""
        await self._get(f"/control/{boot}/record/start", gone_is_fine=True, app=_APPLICATION, name=channel_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _get(self, path: str, *, gone_is_fine: bool = False, **query: str) -> httpx.Response:
        try:
            answer = await self._http.get(path, params=query)
            if not (gone_is_fine and answer.status_code == HTTPStatus.NOT_FOUND):
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise GatewayUnavailable(f"nginx does not answer {path}: {error!r}") from error
        return answer

    async def _is_gone(self) -> bool:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await knock(*self._address)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False
