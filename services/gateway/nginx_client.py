"""Talks to the gateway's nginx: who is connected, and cut this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from defusedxml import ElementTree

from services.domain.errors import GatewayUnavailable

_APPLICATION = "stream"
TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream name: its publisher's client id (None while nobody publishes) and its players' client ids."""

    publisher: str | None
    players: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What one life of nginx has connected: streams by channel id."""

    boot: str
    streams: Mapping[str, Stream]


def read_stat(document: str) -> dict[str, Stream]:
    """Read the XML of rtmp_stat; raise GatewayUnavailable if it is none."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise GatewayUnavailable("nginx's /stat is not XML") from error
    streams = {}
    for application in root.iterfind("./server/application"):
        if application.findtext("name") != _APPLICATION:
            continue
        for stream in application.iterfind("./live/stream"):
            clients = [(client.findtext("id") or "", client) for client in stream.iterfind("client")]
            streams[stream.findtext("name") or ""] = Stream(
                publisher=next((number for number, client in clients if client.find("publishing") is not None), None),
                players=frozenset(number for number, client in clients if client.find("publishing") is None),
            )
    return streams


class NginxClient:
    """The loopback port of nginx; every call raises GatewayUnavailable if it does not answer."""

    def __init__(self, base_url: str) -> None:
        """Speak to `base_url`, for example http://127.0.0.1:8001."""
        self._http = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_SECONDS, trust_env=False)

    async def _get(self, path: str, **query: str) -> str:
        try:
            answer = await self._http.get(path, params=query)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise GatewayUnavailable(f"nginx does not answer {path}: {error!r}") from error
        return answer.text

    async def boot(self) -> str:
        """Give the name of nginx's present life."""
        return await self._get("/boot")

    async def census(self) -> Census:
        """Give who is connected."""
        boot = await self.boot()
        return Census(boot=boot, streams=read_stat(await self._get("/stat")))

    async def drop_publisher(self, channel_id: str) -> None:
        """Cut the publisher of a channel; nothing happens if there is none."""
        await self._get("/control/drop/publisher", app=_APPLICATION, name=channel_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
