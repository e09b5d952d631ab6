"""Liveness, which depends on nothing outside, and readiness, which may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import structlog
from fastapi import APIRouter

from services.domain.errors import Unavailable
from services.metadata.probe import Probe
from services.metadata.problem import Problem, field_problem
from services.metadata.wiring import Wiring

log = structlog.get_logger()

_OPEN: dict[str, object] = {"security": []}


def _unavailability(dependency: str, check: Callable[[], object]) -> str | None:
    """Say in general what is wrong, to whoever asks; the log tells the operator what exactly."""
    try:
        check()
    except Unavailable as error:
        log.warning("not_ready", dependency=dependency, error=str(error))
        return type(error).__doc__
    return None


def _probes(wiring: Wiring) -> tuple[Probe, ...]:
    return (
        Probe("state", lambda: _unavailability("state", lambda: wiring.channels.page(1))),
        Probe("store", lambda: _unavailability("store", wiring.objects.check)),
        Probe("gateway", wiring.callback.readiness_problem),
    )


def health_router(wiring: Wiring) -> APIRouter:
    """Give the routes, which keep at most one look at each dependency under way."""
    router = APIRouter(tags=["health"])
    probes = _probes(wiring)

    @router.get("/healthz", summary="Liveness", openapi_extra=_OPEN)
    async def healthz() -> dict[str, str]:
        """Say that the service runs."""
        return {"status": "ok"}

    @router.get("/readyz", summary="Readiness", openapi_extra=_OPEN)
    async def readyz() -> dict[str, str]:
        """Say that a publish would be taken and kept; 503 names what is missing, after 2.5 s at the latest."""
        problems = await asyncio.gather(*(probe.problem() for probe in probes))
        missing = [
            field_problem(probe.name, problem)
            for probe, problem in zip(probes, problems, strict=True)
            if problem is not None
        ]
        if missing:
            detail = "; ".join(f"{each.field}: {each.problem}" for each in missing)
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, errors=missing, headers={"Retry-After": "1"})
        return {"status": "ready"}

    return router
