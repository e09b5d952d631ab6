"""The worker's private port: told to read its state again. Imported late, capture comes first."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.domain.secrets import Secret


def control_app(token: Secret, told: asyncio.Event) -> Starlette:
    """Build the application; `token` is the session's own."""

    async def refresh(request: Request) -> Response:
        if not token.matches(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return Response(status_code=401)
        told.set()
        return Response(status_code=204)

    return Starlette(routes=[Route("/refresh", refresh, methods=["POST"])])
