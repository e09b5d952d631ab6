"""Takes a channel's picture now: finds who works for the channel, and has it taken there."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi.concurrency import run_in_threadpool

from services.domain.artifact import Artifact
from services.domain.manifest import entry_from_record
from services.domain.secrets import Secret
from services.metadata.channel_changes import find
from services.metadata.channel_view import open_session
from services.metadata.problem import Problem
from services.metadata.wiring import Wiring
from services.metadata.worker_client import WorkerAway, WorkerRefuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture that lies in the store; `created` is false where it lay there before it was asked for."""

    artifact: Artifact
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """Where the worker of a channel answers, and what it wants to be shown."""

    url: str
    token: Secret


async def take(wiring: Wiring, channel_id: str, max_age: float | None) -> Shot:
    """Take one picture; raise a Problem that says why there is none."""
    return _shot(await _asked(wiring, channel_id, "/snapshot", {"max_age": max_age}))


async def burst(wiring: Wiring, channel_id: str, count: int, interval: float) -> tuple[Shot, str]:
    """Begin a burst; give its first picture, and when the last is due (RFC 3339)."""
    answer = await _asked(wiring, channel_id, "/burst", {"count": count, "interval": interval})
    return _shot(answer["first"]), str(answer["until"])


async def _asked(wiring: Wiring, channel_id: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    post = await run_in_threadpool(_post, wiring, channel_id)
    try:
        return await wiring.workers.ask(f"{post.url}{path}", post.token, body)
    except WorkerRefuses as refusal:
        raise Problem(HTTPStatus.CONFLICT, str(refusal)) from None
    except WorkerAway as away:
        _nobody(str(away))


def _post(wiring: Wiring, channel_id: str) -> _Post:
    """Find the worker, by what is stored now: what lags behind would lead to one that has gone."""
    find(wiring, channel_id)
    session = open_session(wiring, wiring.sessions.air(channel_id))
    if session is None:
        raise Problem(HTTPStatus.CONFLICT, "the channel is not on air; ask again when its publisher is connected")
    if session.publisher is None:
        raise Problem(
            HTTPStatus.CONFLICT,
            "the channel's publisher is not connected; ask again when it is back, or take `snapshots/latest`",
        )
    lease = wiring.leases.get(session.id)
    if lease is None or not lease.control_url or not lease.is_valid(wiring.clock.now()):
        _nobody("no worker answers for the channel yet")
    return _Post(url=lease.control_url, token=session.pull_token)


def _nobody(why: str) -> NoReturn:
    raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{why}; try again", headers={"Retry-After": "1"})


def _shot(record: dict[str, Any]) -> Shot:
    entry = {name: value for name, value in record.items() if name != "created"}
    return Shot(artifact=entry_from_record(entry), created=bool(record["created"]))
