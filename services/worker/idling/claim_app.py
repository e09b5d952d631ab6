"""What an idle worker answers: that it is claimed is a hint, its row in state is the truth."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.worker.idling.waiting import Waiting

BODY_BYTES = 4096
ANSWER_SECONDS = 2.0
"""How long the row may take to say the same."""


def claim_app(waiting: Waiting) -> Starlette:
    """Build the application; it needs no token, because all that a call can do is to have the row read."""

    async def claim(request: Request) -> Response:
        wanted = await _wanted(request)
        if wanted is None:
            return JSONResponse({"detail": "channel and session are wanted, as text"}, 422)
        waiting.told.set()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await waiting.over.wait()
        except TimeoutError:
            return JSONResponse({"detail": "nobody has claimed this worker"}, 409)
        row = waiting.claimed
        if row is None or (row.channel_id, row.session_id) != wanted:
            return JSONResponse({"detail": "this worker is another's, or has gone"}, 409)
        return Response(status_code=204)

    return Starlette(routes=[Route("/claim", claim, methods=["POST"])])


async def _wanted(request: Request) -> tuple[str, str] | None:
    """Read the ids of a channel and of a session, or None where the body has none."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            return None
    try:
        told: Any = json.loads(body)
    except ValueError:
        return None
    if not isinstance(told, Mapping):
        return None
    channel, session = told.get("channel"), told.get("session")
    return (channel, session) if isinstance(channel, str) and isinstance(session, str) else None
