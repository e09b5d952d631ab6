"""A stream over HTTP, fetched by our own client: a playlist's segments, or one answer without an end."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus

from services.adapters.address_guard import AddressGuard
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import FetchFailed
from services.adapters.guarded_http import Body, GuardedHttp
from services.adapters.hls_following import follow
from services.adapters.hls_playlist import Segment
from services.adapters.hls_source import HlsSource
from services.puller.progress import Progress, Version
from services.puller.quiet import Quiet
from services.puller.read_ahead import Piece, ReadAhead

QUIET_SECONDS = 8.0
PATIENCE_SECONDS = 20.0
"""How long a playlist may stay as it is, or fail: longer than any segment of sense."""
WIDTH = 1920
_PLAYLIST = b"#EXTM3U"
_MARK = b"\xef\xbb\xbf"  # a byte order mark may come first


class HttpFeed:
    """One try to fetch an address, from where `progress` says."""

    def __init__(self, guard: AddressGuard, url: str, progress: Progress) -> None:
        """Nothing is asked yet."""
        self._guard, self._url = guard, url
        self._progress = progress
        self._place = progress.place.copy()
        self._written: Segment | None = None
        self._file: Version | None = None
        self._is_finite = False

    def has_more(self) -> bool:
        """Say whether there is anything that was not published; raise AddressRefused or FetchFailed. It blocks."""
        if not self._progress.is_over:
            return True
        with closing(GuardedHttp(self._guard)) as http:
            has_more = self._is_list_new(http) if _is_playlist(http, self._url) else self._is_file_new(http)
        self._place = self._progress.place.copy()
        self._progress.is_known = True
        return has_more

    async def carry(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand the stream to `write` until it ends; raise AddressRefused or FetchFailed."""
        ahead, stop, loop = ReadAhead(), threading.Event(), asyncio.get_running_loop()

        def fetch() -> None:
            with closing(GuardedHttp(self._guard)) as http:
                for piece in self._pieces(http, stop):
                    asyncio.run_coroutine_threadsafe(ahead.put(piece), loop).result()

        fetching = _in_thread(loop, fetch)
        fetching.add_done_callback(lambda _: loop.create_task(ahead.end()))
        try:
            while (piece := await ahead.get()) is not None:
                self._written = piece.segment
                await write(piece.body)
            await fetching
        finally:
            stop.set()
            fetching.cancel()

    def published(self, *, is_whole: bool) -> bool:
        """Note that what was written is published, `is_whole` where to its end; say whether there will be no more.

        Of a segment that was begun the rest is lost: nothing comes twice, with two times of capture.
        """
        place = self._place.copy()
        place.last = self._written
        self._progress.place = place
        self._progress.file = self._file
        self._progress.is_over = is_whole and self._is_finite
        return self._progress.is_over

    def _is_list_new(self, http: GuardedHttp) -> bool:
        media = HlsSource(http, self._url, width=WIDTH).media(Deadline.after(QUIET_SECONDS))
        due = self._progress.place.due(media, joins=True)
        if not self._progress.is_known and not media.is_live and media.segments:
            self._progress.place.last = media.segments[-1]
            return False
        return bool(due)

    def _is_file_new(self, http: GuardedHttp) -> bool:
        with http.stream(self._url, deadline=Quiet(QUIET_SECONDS), max_bytes=sys.maxsize) as body:
            version = Version.of(body.headers)
        if not self._progress.is_known:
            self._progress.file = version
        return version is None or version != self._progress.file

    def _pieces(self, http: GuardedHttp, stop: threading.Event) -> Iterator[Piece]:
        """Give the stream until it ends or `stop` is set. It blocks."""
        if not _is_playlist(http, self._url):
            yield from self._body(http, stop)
            return
        source = HlsSource(http, self._url, width=WIDTH)
        for part in follow(source, stop=stop, patience=PATIENCE_SECONDS, place=self._place):
            try:
                for body in part.pieces:
                    yield Piece(body, part.segment)
            except FetchFailed:  # a segment is missing; the timestamps tell how much
                continue
        self._is_finite = True  # `follow` gives up on any other list by an error

    def _body(self, http: GuardedHttp, stop: threading.Event) -> Iterator[Piece]:
        """Give one answer's bytes; where a file breaks off, go on where it did."""
        came, rest, size = 0, None, None
        while not stop.is_set():
            began = came
            try:
                with self._opened(http, rest) as body:
                    size = size or _size_in_parts(body)
                    for piece in body.pieces:
                        came += len(piece)
                        yield Piece(piece)
                        if stop.is_set():
                            return
            except FetchFailed:
                if size is None or came == began:
                    raise
                rest = (came, size - 1)
            else:
                return

    @contextmanager
    def _opened(self, http: GuardedHttp, rest: tuple[int, int] | None) -> Iterator[Body]:
        with http.stream(self._url, deadline=Quiet(QUIET_SECONDS), max_bytes=sys.maxsize, byte_range=rest) as body:
            if rest is None:
                self._file = Version.of(body.headers)
                self._is_finite = self._file is not None
            elif body.status != HTTPStatus.PARTIAL_CONTENT:
                raise FetchFailed("it broke off, and its server sends no parts of it")
            yield body


def _size_in_parts(body: Body) -> int | None:
    """Give the bytes of a file that can be fetched in parts; None for anything else."""
    said = body.headers
    is_plain = said.get("content-encoding", "identity") == "identity"
    has_parts = said.get("accept-ranges", "").lower() == "bytes" and is_plain
    size = said.get("content-length", "")
    return int(size) if has_parts and size.isdecimal() else None


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


def _is_playlist(http: GuardedHttp, url: str) -> bool:
    begin = b""
    with http.stream(url, deadline=Quiet(QUIET_SECONDS), max_bytes=sys.maxsize) as body:
        for piece in body.pieces:
            begin += piece
            if len(begin) >= len(_MARK + _PLAYLIST):
                break
    return begin.removeprefix(_MARK).startswith(_PLAYLIST)
