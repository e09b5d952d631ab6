"""Private calls: who makes one shows a token."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response


def bearer(request: Request) -> str:
    """Give the token that is shown, empty if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def unauthorized() -> Response:
    """Answer who showed none, or a wrong one."""
    return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
