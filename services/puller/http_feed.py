"""A stream over HTTP, fetched by our own client: a playlist's segments, or one answer without an end."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing

from services.adapters.address_guard import AddressGuard
from services.adapters.fetch_errors import FetchFailed
from services.adapters.guarded_http import GuardedHttp
from services.adapters.hls_following import follow
from services.adapters.hls_source import HlsSource
from services.puller.quiet import Quiet
from services.puller.read_ahead import ReadAhead

QUIET_SECONDS = 8.0
PATIENCE_SECONDS = 20.0
"""How long a playlist may stay as it is, or fail: longer than any segment of sense."""
WIDTH = 1920
_PLAYLIST = b"#EXTM3U"
_MARK = b"\xef\xbb\xbf"  # a byte order mark may come first


async def fetched(guard: AddressGuard, url: str, write: Callable[[bytes], Awaitable[None]]) -> None:
    """Hand the stream to `write` until it ends; raise AddressRefused or FetchFailed."""
    ahead, stop, loop = ReadAhead(), threading.Event(), asyncio.get_running_loop()

    def fetch() -> None:
        with closing(GuardedHttp(guard)) as http:
            for piece in pieces(http, url, stop):
                asyncio.run_coroutine_threadsafe(ahead.put(piece), loop).result()

    fetching = _in_thread(loop, fetch)
    fetching.add_done_callback(lambda _: loop.create_task(ahead.end()))
    try:
        while (piece := await ahead.get()) is not None:
            await write(piece)
        await fetching
    finally:
        stop.set()
        fetching.cancel()


def _in_thread(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> asyncio.Future[None]:
    """Run blocking work in a thread of its own: it may last for days, and nobody waits for it at the end."""
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whoever waits is told of any
            loop.call_soon_threadsafe(settle, error)
        else:
            loop.call_soon_threadsafe(settle, None)

    threading.Thread(target=run, name="fetch", daemon=True).start()
    return done


def pieces(http: GuardedHttp, url: str, stop: threading.Event) -> Iterator[bytes]:
    """Give the stream's bytes until it ends or `stop` is set; raise AddressRefused or FetchFailed. It blocks."""
    if not _is_playlist(http, url):
        with http.stream(url, deadline=Quiet(QUIET_SECONDS), max_bytes=sys.maxsize) as body:
            for piece in body.pieces:
                if stop.is_set():
                    return
                yield piece
        return
    for part in follow(HlsSource(http, url, width=WIDTH), stop=stop, patience=PATIENCE_SECONDS):
        try:
            yield from part.pieces
        except FetchFailed:  # a segment is missing; the timestamps tell how much
            continue


def _is_playlist(http: GuardedHttp, url: str) -> bool:
    begin = b""
    with http.stream(url, deadline=Quiet(QUIET_SECONDS), max_bytes=sys.maxsize) as body:
        for piece in body.pieces:
            begin += piece
            if len(begin) >= len(_MARK + _PLAYLIST):
                break
    return begin.removeprefix(_MARK).startswith(_PLAYLIST)
