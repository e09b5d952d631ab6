"""The most a request's body may hold, whether it says its length or not."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.metadata.problem import Problem

BODY_MAX = 256 * 1024  # bytes
_READ_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """Reads a whole body of at most `BODY_MAX` bytes before the application sees the request; more is a 413."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body, or answer 413."""
        if scope["type"] != "http" or scope["method"] in _READ_WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        messages = None if _declared(scope) > BODY_MAX else await _read(receive)
        if messages is None:
            problem = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {BODY_MAX} bytes")
            await problem.response()(scope, receive, send)
            return
        held = iter(messages)

        async def replay() -> Message:
            return next(held, None) or await receive()

        await self._app(scope, replay, send)


def _declared(scope: Scope) -> int:
    """Give the length the request declares; the server has checked its form."""
    return int(Headers(scope=scope).get("content-length", "0"))


async def _read(receive: Receive) -> list[Message] | None:
    """Read messages up to the body's end, or give None as soon as there is too much."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > BODY_MAX:
            return None
        if not message.get("more_body", False):
            return messages
