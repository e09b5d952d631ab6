"""Links to objects that lie elsewhere: media by a redirect, playlists still in the body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain import keys
from services.domain.clock import SystemClock
from services.domain.ports import RemoteUrl, StoredObject
from services.metadata.app import create_app
from services.metadata.gateway_client import CallbackApp
from services.metadata.signed_links import SignedLinks
from services.metadata.wiring import Wiring
from services.runtime.serving import listen
from tests.metadata.running import served, settings_for

PLAYLIST = b"#EXTM3U\n"


class RemoteStore:
    """An object store whose objects a viewer fetches elsewhere; the address's query tells its life."""

    def create(self, key: str, source: Path, *, sha256: str) -> None:
        raise NotImplementedError

    def replace(self, key: str, body: bytes, *, etag: str | None) -> str:
        raise NotImplementedError

    def read(self, key: str) -> StoredObject:
        assert key.endswith(".m3u8")
        return StoredObject(body=PLAYLIST, etag="1")

    def locate(self, key: str, *, seconds: int) -> RemoteUrl:
        return RemoteUrl(url=f"https://bucket.example/{key}?seconds={seconds}")

    def check(self) -> None:
        pass


@pytest.fixture
def links(tmp_path: Path) -> Iterator[SignedLinks]:
    with listen("127.0.0.1", 0) as bound:
        settings = settings_for(tmp_path, "http://127.0.0.1:9", bound.getsockname()[1])
        with (
            closing(SqliteState(settings.state_path)) as state,
            closing(CallbackApp(settings.callback_url, settings.private_token)) as callback,
        ):
            wiring = Wiring(
                channels=state.channels,
                sessions=state.sessions,
                objects=RemoteStore(),
                clock=SystemClock(),
                callback=callback,
                links=SignedLinks(keyring=settings.link_keyring, public_url=settings.public_url),
                publish_keyring=settings.publish_keyring,
                admin_token=settings.admin_token,
                rtmp_url=settings.rtmp_url,
            )
            with served(create_app(wiring), bound):
                yield wiring.links


def follow(links: SignedLinks, key: str, life: timedelta) -> httpx.Response:
    return httpx.get(links.make(key, life=life, now=datetime.now(UTC)).url, trust_env=False)


@pytest.mark.parametrize(("life", "longest"), [(timedelta(hours=1), 900), (timedelta(seconds=60), 60)])
def test_media_is_redirected_for_no_longer_than_the_link_lives(
    links: SignedLinks, life: timedelta, longest: int
) -> None:
    key = keys.segment("camera", "session", 1)

    answer = follow(links, key, life)

    assert answer.status_code == 307
    place, _, seconds = answer.headers["Location"].partition("?seconds=")
    assert place == f"https://bucket.example/{key}"
    assert longest - 5 <= int(seconds) <= longest
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_playlist_is_never_redirected(links: SignedLinks) -> None:
    answer = follow(links, keys.live_playlist("camera"), timedelta(hours=1))

    assert (answer.status_code, answer.content) == (200, PLAYLIST)
