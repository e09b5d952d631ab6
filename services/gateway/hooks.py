"""nginx's questions: who may publish, who may play, and who is gone."""

from __future__ import annotations

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

from services.domain.errors import InvalidInput, PublishRefused, Unavailable
from services.domain.session import Session
from services.gateway.callback import MAX_BODY_BYTES, Callback
from services.gateway.deciders import Deciders
from services.gateway.desk import Desk
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners, Player
from services.gateway.workers import Workers

log = structlog.get_logger()

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Timing:
    """How long a decision waited for its turn and how long it took, after the Server-Timing specification."""

    arrived: float = field(default_factory=time.perf_counter)
    began: float = 0.0
    decided: float = 0.0

    def measured(self, decide: Callable[[], _Answer]) -> _Answer:
        self.began = time.perf_counter()
        try:
            return decide()
        finally:
            self.decided = time.perf_counter()

    @property
    def headers(self) -> dict[str, str]:
        queued, took = (self.began - self.arrived) * 1000, (self.decided - self.began) * 1000
        return {"Server-Timing": f"queue;dur={queued:.3f}, decide;dur={took:.3f}"}


@dataclass(slots=True, kw_only=True)
class Hooks:
    """Answers nginx; whatever goes wrong before a decision is a refusal (fail closed)."""

    desk: Desk
    listeners: Listeners
    launches: Launches
    workers: Workers
    deciders: Deciders
    gateway: Callable[[str], str]
    hold_seconds: float

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

    async def _decided(self, channel_id: str, decide: Callable[[], _Answer], timing: _Timing | None = None) -> _Answer:
        return await self.deciders.decide(channel_id, partial((timing or _Timing()).measured, decide))

    async def _publish(self, request: Request) -> Response:
        timing = _Timing()
        callback = await self._read(request, "publish")
        if callback is None:
            return Response(status_code=HTTPStatus.FORBIDDEN)
        try:
            is_listening = partial(self.listeners.is_listening, gateway=callback.gateway)
            session = await self._decided(callback.channel_id, partial(self.desk.admit, callback, is_listening), timing)
        except PublishRefused as refusal:
            log.info("publish_refused", channel=callback.channel_id, reason=refusal.code, address=callback.address)
            return Response(status_code=HTTPStatus.FORBIDDEN, headers=timing.headers)
        except Unavailable as error:
            log.warning("publish_refused", channel=callback.channel_id, reason="state_unavailable", error=str(error))
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=timing.headers)
        listening = await self._hold(session)
        log.info(
            "publish_accepted",
            channel=session.channel_id,
            session=session.id,
            address=callback.address,
            listening=listening,
            held_ms=round((time.perf_counter() - timing.decided) * 1000),
        )
        return Response(status_code=HTTPStatus.OK, headers=timing.headers)

    async def _hold(self, session: Session) -> bool:
        """Keep an admitted publisher waiting until its worker pulls; say whether it does."""
        publisher = session.publisher
        if publisher is None:
            return False
        if publisher.listening:
            return True
        self.launches.order(session)
        if not await self.listeners.wait(session.id, self.hold_seconds, publisher.gateway):
            return False
        try:
            return await self._decided(session.channel_id, partial(self.desk.heard, session)) is not None
        except Unavailable:  # without the mark the worker declares a gap that was none
            return False

    async def _publish_done(self, request: Request) -> Response:
        callback = await self._read(request, "publish_done")
        if callback is None:
            return Response(status_code=HTTPStatus.OK)
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
            log.warning("play_refused", channel=callback.channel_id, reason="state_unavailable", error=str(error))
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
