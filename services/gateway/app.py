"""The callback app: nginx's questions, the metadata service's private calls, health."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.domain.errors import GatewayUnavailable, InvalidInput, PublishRefused, SessionNotFound, Unavailable
from services.domain.ids import is_id
from services.domain.secrets import Secret
from services.domain.session import Session
from services.gateway.callback import MAX_BODY_BYTES, Callback
from services.gateway.desk import Desk
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners
from services.gateway.nginx_client import NginxClient
from services.gateway.watch import Watch

log = structlog.get_logger()

OK, FORBIDDEN, UNAVAILABLE = 200, 403, 503


@dataclass(slots=True, kw_only=True)
class CallbackApp:
    """Answers HTTP; whatever goes wrong before a decision is a refusal (fail closed)."""

    desk: Desk
    listeners: Listeners
    launches: Launches
    watch: Watch
    nginx: NginxClient
    internal_token: Secret
    rtmp_address: tuple[str, int]
    hold_seconds: float
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def routes(self) -> Starlette:
        """Build the ASGI application."""
        hooks = {
            "publish": self._publish,
            "publish_done": self._publish_done,
            "play": self._play,
            "play_done": self._play_done,
        }
        return Starlette(
            routes=[
                *(Route(f"/hooks/{{boot}}/{name}", hook, methods=["POST"]) for name, hook in hooks.items()),
                Route("/channels/{channel_id}/refresh", self._refresh, methods=["POST"]),
                Route("/healthz", _healthz),
                Route("/readyz", self._readyz),
            ]
        )

    def stop_admitting(self) -> None:
        """Refuse every publisher from now on: the workers are being stopped."""
        self._stopping.set()

    async def _read(self, request: Request) -> Callback | None:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
        try:
            return Callback.parse(body)
        except InvalidInput as error:
            log.info("callback_refused", problem=str(error))
            return None

    async def _publish(self, request: Request) -> Response:
        callback = await self._read(request)
        if callback is None or callback.call != "publish" or self._stopping.is_set():
            return Response(status_code=FORBIDDEN)
        boot = request.path_params["boot"]
        began = time.perf_counter()
        try:
            session = await asyncio.to_thread(self.desk.admit, callback, boot, self.listeners.is_listening)
        except PublishRefused as error:
            log.info("publish_refused", channel=callback.channel_id, reason=error.code, address=callback.address)
            return Response(status_code=FORBIDDEN, headers=_timing(began))
        except Unavailable as error:
            log.warning("publish_refused", channel=callback.channel_id, reason="state_unavailable", error=str(error))
            return Response(status_code=UNAVAILABLE, headers=_timing(began))
        timing = _timing(began)
        listening = await self._hold(session)
        log.info(
            "publish_accepted",
            channel=session.channel_id,
            session=session.id,
            address=callback.address,
            listening=listening,
            held_ms=round((time.perf_counter() - began) * 1000),
        )
        return Response(status_code=OK, headers=timing)

    async def _hold(self, session: Session) -> bool:
        """Keep an admitted publisher waiting until its worker pulls; say whether it does."""
        if session.publisher is not None and session.publisher.listening:
            return True
        self.launches.order(session)
        if not await self.listeners.wait(session.id, self.hold_seconds):
            return False
        with contextlib.suppress(Unavailable):  # without the mark the worker declares a gap that was none
            await asyncio.to_thread(self.desk.heard, session)
        return True

    async def _publish_done(self, request: Request) -> Response:
        callback = await self._read(request)
        if callback is not None:
            boot = request.path_params["boot"]
            with contextlib.suppress(Unavailable):  # the watch finds the publisher missing
                session = await asyncio.to_thread(self.desk.publisher_left, callback, boot)
                if session is not None:
                    log.info("publisher_left", channel=session.channel_id, session=session.id)
                    await self.watch.workers.refresh(session)
        return Response(status_code=OK)

    async def _play(self, request: Request) -> Response:
        callback = await self._read(request)
        if callback is None or callback.call != "play":
            return Response(status_code=FORBIDDEN)
        try:
            allowed = await asyncio.to_thread(self.desk.may_play, callback)
        except Unavailable:
            return Response(status_code=UNAVAILABLE)
        if not allowed:
            log.info("play_refused", channel=callback.channel_id, address=callback.address)
            return Response(status_code=FORBIDDEN)
        self.listeners.arrived(callback.session_id, callback.client_id)
        return Response(status_code=OK)

    async def _play_done(self, request: Request) -> Response:
        callback = await self._read(request)
        if callback is not None:
            self.listeners.left(callback.client_id)
        return Response(status_code=OK)

    async def _refresh(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.internal_token.matches(given):
            return Response(status_code=401)
        channel_id = request.path_params["channel_id"]
        if not is_id(channel_id):
            return Response(status_code=404)
        try:
            await self.watch.look_at(channel_id)
        except SessionNotFound:
            return Response(status_code=404)
        except Unavailable as error:
            return PlainTextResponse(str(error), status_code=UNAVAILABLE)
        return Response(status_code=204)

    async def _readyz(self, _request: Request) -> Response:
        """Ready means that nginx would take a publish and that a decision could be made about it."""
        host, port = self.rtmp_address
        try:
            await self.nginx.census()
            async with asyncio.timeout(1):
                _reader, writer = await asyncio.open_connection(host, port)
            writer.close()
            await asyncio.to_thread(partial(self.desk.sessions.air, "readiness"))
        except (GatewayUnavailable, Unavailable, OSError) as error:
            return PlainTextResponse(f"not ready: {error}", status_code=UNAVAILABLE)
        return PlainTextResponse("ready")


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("alive")


def _timing(began: float) -> dict[str, str]:
    """Give the time of the decision itself, in ms, after the Server-Timing specification."""
    return {"Server-Timing": f"decide;dur={(time.perf_counter() - began) * 1000:.3f}"}
