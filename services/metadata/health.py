"""Liveness, which depends on nothing outside, and readiness, which may."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import structlog
from fastapi import APIRouter

from services.domain.errors import Unavailable
from services.metadata.problem import Problem, field_problem
from services.metadata.wiring import Wired

log = structlog.get_logger()

router = APIRouter(tags=["health"])

_OPEN: dict[str, object] = {"security": []}


@router.get("/healthz", summary="Liveness", openapi_extra=_OPEN)
async def healthz() -> dict[str, str]:
    """Say that the service runs."""
    return {"status": "ok"}


def _unavailability(check: Callable[[], object]) -> str | None:
    """Say in general what is wrong, to whoever asks; the log tells the operator what exactly."""
    try:
        check()
    except Unavailable as error:
        log.warning("not_ready", error=str(error))
        return type(error).__doc__
    return None


@router.get("/readyz", summary="Readiness", openapi_extra=_OPEN)
def readyz(wiring: Wired) -> dict[str, str]:
    """Say that a publish would be taken and kept; 503 names what is missing."""
    found = {
        "state": _unavailability(lambda: wiring.channels.page(1)),
        "store": _unavailability(wiring.objects.check),
        "gateway": wiring.callback.readiness_problem(),
    }
    missing = [field_problem(name, problem) for name, problem in found.items() if problem is not None]
    if missing:
        detail = "; ".join(f"{each.field}: {each.problem}" for each in missing)
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, errors=missing, headers={"Retry-After": "1"})
    return {"status": "ready"}
