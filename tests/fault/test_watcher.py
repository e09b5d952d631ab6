"""The viewer notes what no viewer may see: each test shows it one wrong version after a right one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.fault.watcher import Watcher
from tests.serving import serving
from tests.waiting import eventually

HEADER = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"


def playlist(first: int, count: int, *, target: int = 2, seconds: float = 2.0, base: int = 0) -> str:
    text = HEADER.format(target=target, first=first)
    for number in range(first, first + count):
        text += f"#EXT-X-PROGRAM-DATE-TIME:2026-11-20T10:00:{2 * number + base:02d}.000Z\n#EXTINF:{seconds:.3f},\n"
        text += f"session/{number:09d}.ts\n"
    return text


class Shop:
    """Serves a channel, its live playlist, and the segments up to a number; the manifest is what `head` says."""

    def __init__(self) -> None:
        self.live, self.missing = playlist(0, 3), "none"
        self.head: dict[str, list[dict[str, str]]] = {"tail": [], "chunks": []}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = shop.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Tests tell what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str) -> tuple[int, bytes]:
        if path == "/channels/one":
            return 200, json.dumps({"playback": {"hls": f"{self.url}/p/t/hls/one/live.m3u8"}}).encode()
        if path.startswith("/channels/one/sessions"):
            return 200, b'{"items": [{"id": "session"}]}'
        if path.endswith("live.m3u8"):
            return 200 if self.live else 404, self.live.encode()
        return 404 if self.missing in path else 200, b"segment"

    def look(self, key: str) -> bytes | None:
        return json.dumps(self.head).encode() if key.endswith("head.json") else None


@contextmanager
def shop_and_watcher() -> Iterator[tuple[Shop, Watcher]]:
    shop = Shop()
    with ExitStack() as exits:
        exits.enter_context(serving(shop.server))
        watcher = Watcher(httpx.Client(base_url=shop.url), "one", shop.look)
        exits.enter_context(watcher)
        eventually(lambda: watcher.versions == 1, what="the first version is seen")
        yield shop, watcher


def test_a_list_that_slides_is_no_violation() -> None:
    with shop_and_watcher() as (shop, watcher):
        shop.live = playlist(1, 3)
        eventually(lambda: watcher.versions == 2, what="the second version is seen")

        assert watcher.violations == []


WRONG: dict[str, Callable[[Shop], None]] = {
    "playlist_gone": lambda shop: setattr(shop, "live", ""),
    "target_changed": lambda shop: setattr(shop, "live", playlist(1, 3, target=3)),
    "playlist_illegal": lambda shop: setattr(shop, "live", playlist(1, 3, seconds=2.6)),
    "segment_changed": lambda shop: setattr(shop, "live", playlist(0, 3, base=1)),
    "edge_back": lambda shop: setattr(shop, "live", playlist(0, 2)),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_version_is_noted(name: str) -> None:
    with shop_and_watcher() as (shop, watcher):
        WRONG[name](shop)
        eventually(lambda: name in watcher.names, what=f"{name} is noted")


def test_a_media_sequence_that_goes_back_is_noted() -> None:
    with shop_and_watcher() as (shop, watcher):
        shop.live = playlist(2, 3)
        eventually(lambda: watcher.versions == 2, what="the second version is seen")
        shop.live = playlist(1, 4)
        eventually(lambda: "media_sequence_back" in watcher.names, what="it is noted")


def test_a_named_segment_that_is_not_there_is_noted() -> None:
    with shop_and_watcher() as (shop, watcher):
        shop.missing = "000000003.ts"
        shop.live = playlist(1, 3)
        eventually(lambda: "segment_missing" in watcher.names, what="it is noted")


def test_a_listed_object_that_is_not_there_is_noted() -> None:
    with shop_and_watcher() as (shop, watcher):
        shop.head = {"tail": [{"key": "recordings/one/x.mp4"}], "chunks": []}
        eventually(lambda: "listed_missing" in watcher.names, what="it is noted")
