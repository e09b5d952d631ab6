"""Routes of the pages for people: the console's own files, the libraries it loads, and the API's page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import structlog
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from services.metadata.content_policy import console_headers, docs_headers
from services.metadata.web_files import MEDIA_TYPES, WebFiles

log = structlog.get_logger()

HERE = Path(__file__).parent / "console"
LIBRARIES = Path(sys.prefix) / "share" / "streamkeep" / "browser" / "node_modules"
"""Where the installer puts what `console/package-lock.json` pins."""

_LIBRARY_FILES = {
    "hls.mjs": "hls.js/dist/hls.light.min.mjs",
    "qr.mjs": "lean-qr/index.mjs",
    "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
}
_METHODS = ["GET", "HEAD"]


def console_router(*, media_origins: Sequence[str] = (), libraries: Path = LIBRARIES) -> APIRouter:
    """Give the routes; links may lead browsers on to `media_origins`.

    A library that is not installed is a 404 which the pages explain: they work without what it brings.
    """
    router = APIRouter(include_in_schema=False)
    own = WebFiles({path.name: path for path in HERE.iterdir() if path.suffix in MEDIA_TYPES})
    foreign = WebFiles({name: libraries / path for name, path in _LIBRARY_FILES.items()})
    if missing := foreign.missing():
        log.warning("browser_library_missing", files=missing, folder=str(libraries), remedy="run ./setup.sh again")
    for path in ("/", "/console"):
        router.add_api_route(path, _to_console, methods=_METHODS)
    _serve(router, "/docs", own, docs_headers(), "docs.html")
    _serve(router, "/console/lib/{name}", foreign, console_headers(media_origins))
    _serve(router, "/console/{name}", own, console_headers(media_origins))
    _serve(router, "/console/", own, console_headers(media_origins), "index.html")
    return router


def _serve(router: APIRouter, path: str, files: WebFiles, headers: dict[str, str], name: str = "") -> None:
    """Answer `path` with one file, or with the file that its last part names."""

    def serve(request: Request) -> Response:
        return files.get(request.path_params.get("name", name)).answer(request.headers, headers)

    router.add_api_route(path, serve, methods=_METHODS)


async def _to_console() -> Response:
    # Relative, so that it also holds behind a proxy that adds a path.
    return RedirectResponse("console/", status_code=HTTPStatus.TEMPORARY_REDIRECT)
