"""The backlog's routes: for the worker of a channel's open session, who shows its pull token, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.domain.errors import SessionNotFound, Unavailable
from services.domain.ids import is_id
from services.domain.session import Session
from services.gateway.backlog.file_answer import FileAnswer, Readers
from services.gateway.backlog.folder import Folder
from services.gateway.backlog.listing import Listing
from services.gateway.backlog.names import RecordingName
from services.gateway.desk import Desk
from services.gateway.private import bearer, unauthorized
from services.runtime.threads import in_thread

log = structlog.get_logger()

STATE_SECONDS = 3.0
"""How long state may take to say whose token it is, before what is remembered counts."""
READERS_MOST = 16
WAIT_SECONDS = 1.5
"""How long a worker waits for a place among the readers, which is less than it lets the gateway be silent."""
RETRY_SECONDS = 1


class _NotItsWorker(Exception):
    """The token is not that of the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogRoutes:
    """`gateway` names a life of nginx as sessions do."""

    desk: Desk
    folder: Folder
    listing: Listing
    gateway: Callable[[str], str]
    readers: Readers = field(default_factory=partial(Readers, READERS_MOST))

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/backlog/{channel_id}", self._list),
            Route("/backlog/{channel_id}/{name}", self._file),
        ]

    async def _list(self, request: Request) -> Response:
        session = await self._session(request)
        if isinstance(session, Response):
            return session
        if not await self.readers.entered(WAIT_SECONDS, has_begun=False):
            return _busy()
        try:
            look = partial(self.listing.of_channel, session.channel_id, session.started_at)
            items = await in_thread(look)
        except OSError as error:
            log.warning("backlog_not_read", channel=session.channel_id, error=str(error))
            return _busy()
        finally:
            self.readers.leave()
        return JSONResponse({"files": [each.told(self.gateway) for each in items]})

    async def _file(self, request: Request) -> Response:
        name = RecordingName.parse(request.path_params["name"])
        session = await self._session(request)
        if isinstance(session, Response):
            return session
        if name is None or name.channel_id != session.channel_id:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        if not await self.readers.entered(WAIT_SECONDS, has_begun=True):
            return _busy()
        return FileAnswer(self.folder.recording / str(name), request.headers.get("range"), self.readers.leave)

    async def _session(self, request: Request) -> Session | Response:
        """Give the open session whose worker asks, or why it is not answered."""
        channel_id, token = request.path_params["channel_id"], bearer(request)
        if not is_id(channel_id):
            return Response(status_code=HTTPStatus.NOT_FOUND)
        try:
            session = await self._session_of(channel_id, token)
        except _NotItsWorker:
            return unauthorized()
        except Unavailable as error:
            return PlainTextResponse(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=_RETRY)
        return session or Response(status_code=HTTPStatus.NOT_FOUND)

    async def _session_of(self, channel_id: str, token: str) -> Session | None:
        try:
            async with asyncio.timeout(STATE_SECONDS):
                session = await asyncio.to_thread(self._stored, channel_id)
        except (Unavailable, TimeoutError) as error:
            remembered = (each for each in self.desk.memory.of_channel(channel_id) if each.pull_token.matches(token))
            session = next(remembered, None)
            if session is None:
                raise Unavailable(f"state does not say whose token this is: {error!r}") from error
        if session is not None and not session.pull_token.matches(token):
            raise _NotItsWorker
        return session

    def _stored(self, channel_id: str) -> Session | None:
        session_id = self.desk.sessions.air(channel_id).session_id
        try:
            session = None if session_id is None else self.desk.sessions.get(session_id)
        except SessionNotFound:
            return None
        return session if session is not None and session.state.is_open else None


_RETRY = {"Retry-After": str(RETRY_SECONDS)}


def _busy() -> Response:
    return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=_RETRY)
