"""The callback app: nginx's questions, the metadata service's private calls, health."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.domain.errors import Unavailable
from services.domain.ids import is_id
from services.domain.ports import SessionStore
from services.domain.secrets import Secret
from services.gateway.hooks import Hooks
from services.gateway.nginx_client import NginxClient
from services.gateway.watch import Watch

READY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackApp:
    """Answers HTTP; `rtmp_address` is where nginx takes publishers."""

    hooks: Hooks
    watch: Watch
    nginx: NginxClient
    sessions: SessionStore
    internal_token: Secret
    rtmp_address: tuple[str, int]

    def routes(self) -> Starlette:
        """Build the ASGI application."""
        return Starlette(
            routes=[
                *self.hooks.routes(),
                Route("/channels/{channel_id}/refresh", self._refresh, methods=["POST"]),
                Route("/healthz", _healthz),
                Route("/readyz", self._readyz),
            ]
        )

    async def _refresh(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.internal_token.matches(token):
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
        channel_id = request.path_params["channel_id"]
        if not is_id(channel_id):
            return Response(status_code=HTTPStatus.NOT_FOUND)
        try:
            await self.watch.look_at(channel_id)
        except Unavailable as error:
            return PlainTextResponse(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _readyz(self, _request: Request) -> Response:
        """Ready means that nginx would take a publish and that a decision could be made about it."""
        try:
            await self.nginx.check()
            async with asyncio.timeout(READY_SECONDS):
                _reader, writer = await asyncio.open_connection(*self.rtmp_address)
            writer.close()
            await asyncio.to_thread(partial(self.sessions.air, "readiness"))
        except (Unavailable, OSError) as error:
            return PlainTextResponse(f"not ready: {error}", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready")


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("alive")
