"""The worker's private port: told to read its state again, or to hand over. Imported late, capture comes first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.domain.secrets import Secret
from services.runtime import metrics
from services.worker.events import KeyframeSeen
from services.worker.succession.hand_over import HandedOver

BODY_BYTES = 4096

Take = Callable[[KeyframeSeen], Awaitable[HandedOver | None]]


def control_app(token: Secret, told: asyncio.Event, take: Take) -> Starlette:
    """Build the application; `token` is the session's own, `take` hands over to a successor."""

    def is_ours(request: Request) -> bool:
        return token.matches(request.headers.get("authorization", "").removeprefix("Bearer "))

    async def refresh(request: Request) -> Response:
        if not is_ours(request):
            return Response(status_code=401)
        told.set()
        return Response(status_code=204)

    async def hand_over(request: Request) -> Response:
        if not is_ours(request):
            return Response(status_code=401)
        try:
            keyframe = await _keyframe(request)
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"detail": f"body: a keyframe as pts, at and digest is wanted ({error})"}, 422)
        handed_over = await take(keyframe)
        if handed_over is None:
            return JSONResponse({"detail": "this worker is not leaving, or has not seen that keyframe"}, 409)
        return JSONResponse(asdict(handed_over))

    async def shown(_: Request) -> Response:
        return Response(metrics.shown(), media_type=metrics.CONTENT_TYPE)

    return Starlette(
        routes=[
            Route("/metrics", shown),
            Route("/refresh", refresh, methods=["POST"]),
            Route("/hand-over", hand_over, methods=["POST"]),
        ]
    )


async def _keyframe(request: Request) -> KeyframeSeen:
    """Read the keyframe from which a successor can go on."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            message = f"at most {BODY_BYTES} bytes"
            raise ValueError(message)
    found = json.loads(body)
    return KeyframeSeen(pts=float(found["pts"]), at=float(found["at"]), digest=str(found["digest"]))
