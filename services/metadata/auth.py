"""The bearer token: asked for before anything else of a request is read."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.domain.secrets import Secret
from services.metadata.problem import Problem

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs", "/", "/console"})
OPEN_PREFIX = "/p/"  # a link carries its own right
CONSOLE_PREFIX = "/console/"  # files that are the same for everybody


def is_open(path: str) -> bool:
    """Say whether a path needs no token."""
    return path in OPEN_PATHS or path.startswith((OPEN_PREFIX, CONSOLE_PREFIX))


class BearerAuth:
    """Lets in who shows the token, and everybody to the open paths."""

    def __init__(self, app: ASGIApp, token: Secret) -> None:
        """Guard `app` with `token`."""
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or answer 401."""
        if scope["type"] != "http" or is_open(scope["path"]) or self._shows_token(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        problem = Problem(
            HTTPStatus.UNAUTHORIZED,
            "send the header Authorization: Bearer <token>; the stack prints its token when it starts",
            headers={"WWW-Authenticate": 'Bearer realm="streamkeep"'},
        )
        await problem.response()(scope, receive, send)

    def _shows_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._token.matches(given.strip())
