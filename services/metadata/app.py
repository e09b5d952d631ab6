"""The application: routes, and what every request passes through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.metadata import (
    channels,
    dead_letters,
    grabbing,
    links,
    media_lists,
    metrics,
    moderation,
    older,
    pulling,
    sessions,
    snapshots,
)
from services.metadata.auth import BearerAuth
from services.metadata.body_limit import BodyLimit
from services.metadata.console_pages import console_router
from services.metadata.cors import LinkCors
from services.metadata.health import health_router
from services.metadata.openapi import describe
from services.metadata.problem import answer_with_problems
from services.metadata.wiring import Wiring

ROUTERS = (
    channels.router,
    moderation.router,
    pulling.router,
    media_lists.router,
    snapshots.router,
    grabbing.router,
    sessions.router,
    dead_letters.router,
    links.router,
    older.router,
    metrics.router,
)


def create_app(wiring: Wiring) -> FastAPI:
    """Give the application over what `wiring` holds; who built that closes it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with wiring.workers:
            yield

    app = FastAPI(redirect_slashes=False, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.wiring = wiring
    routers = (health_router(wiring), *ROUTERS, console_router(media_origins=wiring.media_origins))
    for router in routers:
        app.include_router(router)
    answer_with_problems(app, [route for router in routers for route in router.routes])
    describe(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(LinkCors)
    app.add_middleware(BearerAuth, token=wiring.admin_token)  # added last: it sees a request first
    return app
