"""A recording as an answer: so many bytes as it had when asked for, read piece by piece in threads."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.backlog.folder import opened
from services.gateway.backlog.ranges import ByteRange, NotSatisfiable, asked_range
from services.runtime.threads import in_thread

_PIECE_BYTES = 512 * 1024
_STALL_SECONDS = 20.0
"""How long a worker may take none of it: it must not keep another from reading."""

_WAITING_MOST = 256
"""So many may wait for a place: a crowd that begins at once, and no more memory than that."""


@dataclass(slots=True)
class Readers:
    """Those who read now, and those who wait for a place; used in the event loop alone.

    Who has begun comes first: of a crowd that is too large some then have all, instead of each a part.
    """

    most: int
    _count: int = 0
    _begun: deque[asyncio.Future[None]] = field(default_factory=deque)
    _new: deque[asyncio.Future[None]] = field(default_factory=deque)

    def enter(self) -> bool:
        """Take a place if there is one."""
        if self._count >= self.most:
            return False
        self._count += 1
        return True

    async def entered(self, seconds: float, *, has_begun: bool) -> bool:
        """Take a place, and wait for it for so long."""
        waiting = self._begun if has_begun else self._new
        if self.enter():
            return True
        if len(waiting) >= _WAITING_MOST:
            return False
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await asyncio.wait([turn], timeout=seconds)
        except asyncio.CancelledError:
            if turn.done():
                self.leave()
            raise
        finally:
            if turn in waiting:
                waiting.remove(turn)
        return turn.done()

    def leave(self) -> None:
        """Give a place back, or to who waits for it longest."""
        waiting = self._begun or self._new
        if waiting:
            waiting.popleft().set_result(None)
        else:
            self._count -= 1


class FileAnswer(Response):
    """Sends a file, or the range of it that was asked for; 404 once it is swept."""

    media_type = "video/x-flv"

    def __init__(self, path: Path, asked: str | None, left: Callable[[], None]) -> None:
        """Send `path`; `left` is called at the end, whatever that is."""
        super().__init__(headers={"Accept-Ranges": "bytes", "Cache-Control": "no-store"})
        self._path = path
        self._asked = asked
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            with opened(self._path) as descriptor:
                await self._send(descriptor, scope, receive, send)
        except FileNotFoundError:
            await Response(status_code=HTTPStatus.NOT_FOUND)(scope, receive, send)
        finally:
            self._left()

    async def _send(self, descriptor: int, scope: Scope, receive: Receive, send: Send) -> None:
        whole = os.fstat(descriptor).st_size
        try:
            span = asked_range(self._asked, whole)
        except NotSatisfiable:
            headers = {"Content-Range": f"bytes */{whole}"}
            await Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)(
                scope, receive, send
            )
            return
        await send({"type": "http.response.start", "status": self._status(span), "headers": self._headers_of(span)})
        is_wanted = scope["method"] != "HEAD"
        at = span.begin if is_wanted else span.end
        while at < span.end:
            piece = await in_thread(partial(os.pread, descriptor, min(_PIECE_BYTES, span.end - at), at))
            if not piece:  # cut short under our hands: the connection ends before what it promised
                return
            at += len(piece)
            async with asyncio.timeout(_STALL_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _status(self, span: ByteRange) -> int:
        return HTTPStatus.PARTIAL_CONTENT if span.is_partial else HTTPStatus.OK

    def _headers_of(self, span: ByteRange) -> list[tuple[bytes, bytes]]:
        kept = [header for header in self.raw_headers if header[0] != b"content-length"]
        own = [(b"content-length", str(span.end - span.begin).encode())]
        if span.is_partial:
            own.append((b"content-range", span.header.encode()))
        return kept + own
