"""The whole service on a real port, over a real state file and a real object folder."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.metadata.bootstrap import application
from services.metadata.settings import MetadataSettings
from services.metadata.signed_links import SignedLinks
from services.runtime.serving import listen, serve_until
from tests.metadata.callback_double import CallbackDouble

TOKEN = "admin-token-for-tests"
INTERNAL_TOKEN = "internal-token-for-tests"
RTMP_URL = "rtmp://127.0.0.1:1935/stream"
DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that runs, and what lies behind it."""

    url: str
    client: httpx.Client  # shows the admin's token
    anonymous: httpx.Client
    state: SqliteState
    objects: DirectoryStore
    objects_path: Path
    state_path: Path
    links: SignedLinks
    settings: MetadataSettings
    callback: CallbackDouble

    def create(self, **fields: object) -> dict[str, Any]:
        answer = self.client.post("/channels", json=fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def read(self, channel_id: str) -> dict[str, Any]:
        return dict(self.client.get(f"/channels/{channel_id}").raise_for_status().json())


LINK_SECRETS = "link:link-secret"


def settings_for(folder: Path, callback_url: str, port: int, link_secrets: str = LINK_SECRETS) -> MetadataSettings:
    return MetadataSettings(
        state_path=folder / "state.db",
        objects_path=folder / "objects",
        port=port,
        token=SecretStr(TOKEN),
        publish_secrets=SecretStr("new:publish-secret-two,old:publish-secret-one"),
        link_secrets=SecretStr(link_secrets),
        public_url=f"http://127.0.0.1:{port}",
        rtmp_url=RTMP_URL,
        callback_url=callback_url,
        internal_token=SecretStr(INTERNAL_TOKEN),
        sink_names="hook,log",
    )


@contextmanager
def served(app: FastAPI, bound: socket.socket) -> Iterator[None]:
    """Serve an application as the program does, in a thread."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve_until(app, bound, stop),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
        loop.close()


@contextmanager
def running(folder: Path, callback: CallbackDouble, *, link_secrets: str = LINK_SECRETS) -> Iterator[Running]:
    with listen("127.0.0.1", 0) as bound:
        settings = settings_for(folder, callback.url, bound.getsockname()[1], link_secrets)
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        with (
            application(settings) as app,
            served(app, bound),
            httpx.Client(base_url=settings.public_url, headers=bearer, timeout=DEADLINE_SECONDS) as client,
            httpx.Client(base_url=settings.public_url, timeout=DEADLINE_SECONDS) as anonymous,
            closing(SqliteState(folder / "state.db")) as state,
        ):
            yield Running(
                url=settings.public_url,
                client=client,
                anonymous=anonymous,
                state=state,
                objects=DirectoryStore(folder / "objects"),
                objects_path=folder / "objects",
                state_path=folder / "state.db",
                links=SignedLinks(keyring=settings.link_keyring, public_url=settings.public_url),
                settings=settings,
                callback=callback,
            )
