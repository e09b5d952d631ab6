"""The figures of the whole machine, for Prometheus."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response

from services.metadata.problem import Problem
from services.metadata.wiring import Wired
from services.runtime.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])

_TEXT: dict[int | str, dict[str, object]] = {200: {"content": {"text/plain": {}}, "description": "Prometheus's text"}}


@router.get("/metrics", summary="Metrics", response_class=Response, responses=_TEXT)
def metrics(wiring: Wired) -> Response:
    """Give what the gateway and the workers count; a worker that does not answer in time is left out."""
    told = wiring.callback.metrics()
    if told is None:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, "the callback app does not answer; try again", headers={"Retry-After": "1"}
        )
    return Response(told, media_type=CONTENT_TYPE)
