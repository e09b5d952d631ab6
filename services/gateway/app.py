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
from services.gateway.backlog.keeping import Backlog
from services.gateway.draining import Draining
from services.gateway.gathering import Gathering
from services.gateway.heartbeat import Heartbeat
from services.gateway.hooks import Hooks
from services.gateway.load import Load
from services.gateway.neighbours import Neighbours
from services.gateway.nginx_client import NginxClient
from services.gateway.private import bearer, unauthorized
from services.gateway.publisher_calls import PublisherCalls
from services.gateway.pulls import Pulls
from services.gateway.pulse import Pulse
from services.gateway.watch import Watch
from services.runtime.knocking import knock
from services.runtime.metrics import CONTENT_TYPE

READY_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class StateLook:
    """Asks whether state answers, once at a time: while it hangs, threads must not pile up in front of it."""

    sessions: SessionStore
    _look: asyncio.Task[object] | None = None

    async def taken(self) -> None:
        """Raise Unavailable, or TimeoutError after READY_SECONDS, if state does not answer."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(asyncio.to_thread(partial(self.sessions.air, "readiness")))
            self._look.add_done_callback(_heard)  # whoever asked may have gone
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.shield(self._look)


def _heard(look: asyncio.Task[object]) -> None:
    if not look.cancelled():
        look.exception()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackApp:
    """Answers HTTP; `rtmp_address` is where nginx takes publishers."""

    hooks: Hooks
    watch: Watch
    pulse: Pulse
    load: Load
    pulls: Pulls
    heartbeat: Heartbeat
    neighbours: Neighbours
    draining: Draining
    publisher_calls: PublisherCalls
    backlog: Backlog | None
    gathering: Gathering
    nginx: NginxClient
    state_look: StateLook
    internal_token: Secret
    rtmp_address: tuple[str, int]

    def routes(self) -> Starlette:
        """Build the ASGI application."""
        return Starlette(
            routes=[
                *self.hooks.routes(),
                *self.publisher_calls.routes(),
                *(self.backlog.routes() if self.backlog else ()),
                Route("/channels/{channel_id}/refresh", self._refresh, methods=["POST"]),
                Route("/sessions/{session_id}/successor", self._successor, methods=["POST"]),
                Route("/metrics", self._metrics),
                Route("/healthz", _healthz),
                Route("/readyz", self._readyz),
                Route("/nlb", self._nlb),
            ]
        )

    async def _refresh(self, request: Request) -> Response:
        if not self.internal_token.matches(bearer(request)):
            return unauthorized()
        channel_id = request.path_params["channel_id"]
        if not is_id(channel_id):
            return Response(status_code=HTTPStatus.NOT_FOUND)
        try:
            await self.pulls.look_at(channel_id)
            await self.watch.look_at(channel_id)
        except Unavailable as error:
            return PlainTextResponse(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _successor(self, request: Request) -> Response:
        """Start another worker beside one that is leaving and has said so in its lease; 409 where none is."""
        session_id, token = request.path_params["session_id"], bearer(request)
        try:
            sight = await asyncio.to_thread(self.watch.survey.of_session, session_id) if is_id(session_id) else None
        except Unavailable as error:
            return PlainTextResponse(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        is_its_worker = sight is not None and sight.session.pull_token.matches(token)
        if not is_its_worker and not self.internal_token.matches(token):
            return unauthorized()
        if sight is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        is_ordered = self.watch.staffing.hand_over(sight, self.watch.desk.clock.now())
        return Response(status_code=HTTPStatus.NO_CONTENT if is_ordered else HTTPStatus.CONFLICT)

    async def _metrics(self, request: Request) -> Response:
        if not self.internal_token.matches(bearer(request)):
            return unauthorized()
        return Response(await self.gathering.text(), media_type=CONTENT_TYPE)

    async def _readyz(self, _request: Request) -> Response:
        """Ready means that nginx would take a publish and that a decision could be made about it."""
        if self.draining.door.is_shut:
            return PlainTextResponse("not ready: draining", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return await self._answers(is_state_needed=True)

    async def _nlb(self, _request: Request) -> Response:
        """Say to the load balancer that nginx takes connections: while draining too (`draining.py`), until the end."""
        if self.draining.is_last:
            return PlainTextResponse("stopping", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return await self._answers(is_state_needed=False)

    async def _answers(self, *, is_state_needed: bool) -> Response:
        try:
            await self.nginx.check()
            async with asyncio.timeout(READY_SECONDS):
                await knock(*self.rtmp_address)
            if is_state_needed:
                await self.state_look.taken()
        except (Unavailable, OSError) as error:
            return PlainTextResponse(f"not ready: {error}", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ready")


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("alive")
