"""nginx's questions: who may publish, who may play, and who is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import structlog
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.domain.errors import InvalidInput, PublishRefused, StateUnavailable, Unavailable
from services.domain.session import Session
from services.gateway.arrivals import Arrivals
from services.gateway.callback import MAX_BODY_BYTES, Callback
from services.gateway.counts import Counts
from services.gateway.deciders import Deciders, Timing
from services.gateway.desk import Contested, Desk
from services.gateway.listeners import Listeners, Player
from services.gateway.workers import Workers

log = structlog.get_logger()

_Answer = TypeVar("_Answer")
DECISION_SECONDS = 4.0
"""How long a worker's pull, or a departure, waits for state: nginx and the worker's ffmpeg wait for the answer."""


@dataclass(slots=True, kw_only=True)
class Hooks:
    """Answers nginx; whatever goes wrong before a decision is a refusal (fail closed).

    `gateway` names a life of nginx; `stir` says that somebody is about to appear in its list, `admitted` that nginx is
    about to let somebody in.
    """

    desk: Desk
    arrivals: Arrivals
    listeners: Listeners
    workers: Workers
    deciders: Deciders
    counts: Counts
    gateway: Callable[[str], str]
    stir: Callable[[], None]
    admitted: Callable[[Callback], None] | None = None
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def routes(self) -> list[Route]:
        """Give the routes that nginx's configuration names."""
        hooks = {
            "publish": self._publish,
            "publish_done": self._publish_done,
            "play": self._play,
            "play_done": self._play_done,
        }
        return [Route(f"/hooks/{{boot}}/{name}", hook, methods=["POST"]) for name, hook in hooks.items()]

    async def _read(self, request: Request, call: str) -> Callback | None:
        try:
            body = await _body(request)
            return Callback.parse(body, gateway=self.gateway(request.path_params["boot"]), call=call)
        except ClientDisconnect:
            return None
        except InvalidInput as error:
            log.info("callback_refused", hook=call, problem=str(error))
            return None

    async def _decided(self, channel_id: str, decide: Callable[[], _Answer]) -> _Answer:
        try:
            async with asyncio.timeout(DECISION_SECONDS):
                return await self.deciders.decide(channel_id, decide)
        except TimeoutError:
            raise StateUnavailable(f"state did not answer within {DECISION_SECONDS:g} s") from None

    async def _publish(self, request: Request) -> Response:
        timing = Timing()
        answer = await self._published(request, timing)
        self.counts.answered(time.perf_counter() - timing.arrived)
        return answer

    async def _published(self, request: Request, timing: Timing) -> Response:
        callback = await self._read(request, "publish")
        if callback is None:
            return Response(status_code=HTTPStatus.FORBIDDEN)
        try:
            session = await self.arrivals.admit(callback, timing)
        except PublishRefused as refusal:
            self.counts.refused(refusal.code)
            log.info("publish_refused", channel=callback.channel_id, reason=refusal.code, address=callback.address)
            told = BackgroundTask(self.arrivals.tell, refusal, callback) if isinstance(refusal, Contested) else None
            return Response(status_code=HTTPStatus.FORBIDDEN, headers=timing.headers, background=told)
        except Unavailable as error:
            return self._unavailable(callback, error, timing)
        self.stir()
        self._tell_worker(session)
        listening = await self.arrivals.hold(session)
        self.counts.accepted()
        log.info(
            "publish_accepted",
            channel=session.channel_id,
            session=session.id,
            address=callback.address,
            listening=listening,
            held_ms=round((time.perf_counter() - timing.decided) * 1000),
        )
        if self.admitted is not None:
            self.admitted(callback)
        return Response(status_code=HTTPStatus.OK, headers=timing.headers)

    def _tell_worker(self, session: Session) -> None:
        """Let the worker of a session that goes on know where its publisher is now: it may wait at another gateway."""
        publisher = session.publisher
        if publisher is not None and not publisher.listening and session.version > 1:
            telling = asyncio.create_task(self.workers.refresh(session))
            self._telling.add(telling)
            telling.add_done_callback(self._told)

    def _told(self, telling: asyncio.Task[None]) -> None:
        self._telling.discard(telling)
        if not telling.cancelled():
            telling.exception()  # where state is away the worker reads it itself, later

    def _unavailable(self, callback: Callback, error: Unavailable, timing: Timing) -> Response:
        """Refuse because state does not answer; what it may yet record of this publisher is taken back."""
        reason = "state_unavailable"
        self.counts.refused(reason)
        log.warning("publish_refused", channel=callback.channel_id, reason=reason, error=str(error))
        undo = BackgroundTask(self.arrivals.take_back, callback) if timing.began else None
        return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=timing.headers, background=undo)

    async def _publish_done(self, request: Request) -> Response:
        callback = await self._read(request, "publish_done")
        if callback is None:
            return Response(status_code=HTTPStatus.OK)
        self.arrivals.left(callback)
        try:
            session = await self._decided(callback.channel_id, partial(self.desk.publisher_left, callback))
        except Unavailable as error:  # the watch finds the publisher missing
            log.warning("departure_not_recorded", channel=callback.channel_id, error=str(error))
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        if session is None:
            return Response(status_code=HTTPStatus.OK)
        self.listeners.publisher_left(session.id)
        log.info("publisher_left", channel=session.channel_id, session=session.id)
        return Response(status_code=HTTPStatus.OK, background=BackgroundTask(self.workers.refresh, session))

    async def _play(self, request: Request) -> Response:
        callback = await self._read(request, "play")
        if callback is None:
            return Response(status_code=HTTPStatus.FORBIDDEN)
        try:
            allowed = await self._decided(callback.channel_id, partial(self.desk.may_play, callback))
        except Unavailable as error:
            allowed = self.desk.remembers(callback)  # a capture that runs goes on, even if its ffmpeg has to begin anew
            event = "play_remembered" if allowed else "play_refused"
            log.warning(event, channel=callback.channel_id, reason="state_unavailable", error=str(error))
            if not allowed:
                return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        if not allowed:
            log.info("play_refused", channel=callback.channel_id, reason="not_the_worker", address=callback.address)
            return Response(status_code=HTTPStatus.FORBIDDEN)
        player = Player(callback.gateway, callback.client_id)
        # Only once nginx has the answer, so that the player joins before the publisher it wakes is let in.
        return Response(
            status_code=HTTPStatus.OK, background=_after(self.listeners.arrived, player, callback.session_id)
        )

    async def _play_done(self, request: Request) -> Response:
        callback = await self._read(request, "play_done")
        if callback is not None:
            self.listeners.left(Player(callback.gateway, callback.client_id))
        return Response(status_code=HTTPStatus.OK)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise InvalidInput("body", f"at most {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _after(call: Callable[[Player, str], None], player: Player, session_id: str) -> BackgroundTask:
    """Call it in the event loop when the answer is out; a plain function would run in a thread."""

    async def run() -> None:
        call(player, session_id)

    return BackgroundTask(run)
