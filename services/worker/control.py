"""The worker's private port: told to read its state again, to hand over, or to take a picture.

Imported late, capture comes first.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.domain import times
from services.domain.manifest import entry_record
from services.domain.secrets import Secret
from services.runtime import metrics
from services.worker.asks import Asks, TooManyAsks
from services.worker.burst import BurstRuns, Bursts
from services.worker.events import KeyframeSeen
from services.worker.succession.hand_over import HandedOver
from services.worker.taking import NothingToTake, NotNow, Snapshots, Taken

BODY_BYTES = 4096

Take = Callable[[KeyframeSeen], Awaitable[HandedOver | None]]
Answer = Callable[[Request], Awaitable[Response]]
Wanted = TypeVar("Wanted")


class _Unreadable(Exception):
    """A body that is not what a route wants."""


TOO_LATE = "the picture does not reach the store in time"
_STATUSES: Mapping[type[Exception], int] = {
    _Unreadable: 422,
    NothingToTake: 409,
    NotNow: 503,
    BurstRuns: 409,
    TooManyAsks: 503,
    TimeoutError: 503,
}


def control_app(
    token: Secret, told: asyncio.Event, take: Take, snapshots: Snapshots, *, is_private: bool = True
) -> Starlette:
    """Build the application; `token` is the session's own, `take` hands over to a successor.

    Figures are told without it only where the port `is_private` to this machine.
    """
    asks = Asks(snapshots)
    bursts = Bursts(asks)

    async def refresh(_: Request) -> Response:
        told.set()
        return Response(status_code=204)

    async def hand_over(request: Request) -> Response:
        handed_over = await take(await _wanted(request, "a keyframe as pts, at and digest", _keyframe))
        if handed_over is None:
            return JSONResponse({"detail": "this worker is not leaving, or has not seen that keyframe"}, 409)
        return JSONResponse(asdict(handed_over))

    async def snapshot(request: Request) -> Response:
        return JSONResponse(_record(await asks.take(await _wanted(request, "max_age in seconds, or null,", _max_age))))

    async def burst(request: Request) -> Response:
        count, interval = await _wanted(request, "count, and interval in seconds,", _count_and_interval)
        first, until = await bursts.begin(count, interval)
        return JSONResponse({"first": _record(first), "until": times.text(until)})

    async def shown(_: Request) -> Response:
        return Response(metrics.shown(), media_type=metrics.CONTENT_TYPE)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await bursts.close()

    private = {"/refresh": refresh, "/hand-over": hand_over, "/snapshot": snapshot, "/burst": burst}
    routes = [Route(path, _guarded(token, answer), methods=["POST"]) for path, answer in private.items()]
    figures = Route("/metrics", shown if is_private else _guarded(token, shown))
    return Starlette(routes=[figures, *routes], lifespan=lifespan)


def _guarded(token: Secret, answer: Answer) -> Answer:
    """Let in who shows the token, and say what is wrong with what was asked."""

    @functools.wraps(answer)
    async def guarded(request: Request) -> Response:
        if not token.matches(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return Response(status_code=401)
        try:
            return await answer(request)
        except tuple(_STATUSES) as error:
            return JSONResponse({"detail": str(error) or TOO_LATE}, _STATUSES[type(error)])

    return guarded


def _record(taken: Taken) -> dict[str, Any]:
    return {**entry_record(taken.artifact), "created": taken.created}


async def _wanted(request: Request, what: str, read: Callable[[dict[str, Any]], Wanted]) -> Wanted:
    """Read `what` from a small JSON object; raise _Unreadable."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise _Unreadable(f"{what} is wanted, in at most {BODY_BYTES} bytes")
    try:
        return read(json.loads(body))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _Unreadable(f"{what} is wanted ({error!r})") from error


def _keyframe(body: dict[str, Any]) -> KeyframeSeen:
    return KeyframeSeen(pts=float(body["pts"]), at=float(body["at"]), digest=str(body["digest"]))


def _max_age(body: dict[str, Any]) -> float | None:
    return None if body["max_age"] is None else max(0.0, float(body["max_age"]))


def _count_and_interval(body: dict[str, Any]) -> tuple[int, float]:
    return int(body["count"]), float(body["interval"])
