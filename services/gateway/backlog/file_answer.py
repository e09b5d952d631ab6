"""A recording as an answer: so many bytes as it had when asked for, read piece by piece in threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(slots=True)
class Readers:
    """Those who read now; used in the event loop alone."""

    most: int
    _count: int = 0

    def enter(self) -> bool:
        """Take a place if there is one."""
        if self._count >= self.most:
            return False
        self._count += 1
        return True

    def leave(self) -> None:
        """Give a place back."""
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
