"""What a service without an API answers over HTTP: whether it lives, and what it has counted."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.runtime.metrics import CONTENT_TYPE


def create_app(registry: CollectorRegistry) -> Starlette:
    """Give the application."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive")

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])
