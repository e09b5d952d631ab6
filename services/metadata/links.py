"""The route behind every link: checks its right and gives the object."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from services.domain import keys
from services.domain.errors import ObjectNotFound
from services.domain.ports import LocalFile
from services.metadata.conditional import content_answer
from services.metadata.object_file import ObjectFile
from services.metadata.problem import Problem
from services.metadata.resizing import MOST_BYTES, TOO_LARGE, Width, refused
from services.metadata.stored_size import stored_size
from services.metadata.wiring import Wired, Wiring

router = APIRouter(tags=["links"])

REDIRECT_SECONDS_MAX = 900  # seconds a presigned address may live
PICTURE = "image/jpeg"
NO_CACHE = "no-cache"

_REFUSALS = {
    "expired": "the link has expired; ask the API for a new one",
    "malformed": "the link is malformed; copy it whole",
    "wrong": "the link's signature is wrong; copy it whole",
}


def _is_key(key: str) -> bool:
    """Say whether a path can be an object's key; an HLS link's holder may write any path after its prefix."""
    parts = key.split("/")
    return key.isprintable() and "\\" not in key and not any(part == "" or part.startswith(".") for part in parts)


def _judge(wiring: Wiring, token: str, key: str, now: datetime) -> None:
    verdict = wiring.links.judge(token, key, now=now)
    if verdict != "ok":
        raise Problem(HTTPStatus.FORBIDDEN, _REFUSALS[verdict])
    if not _is_key(key):
        raise ObjectNotFound


def _seconds_left(token: str, now: datetime) -> int:
    return max(1, int(int(token.partition("-")[0]) - now.timestamp()))


def _is_stored(wiring: Wiring, key: str) -> bool:
    try:
        return stored_size(wiring.objects, key) > 0
    except ObjectNotFound:
        return False


def _resized(wiring: Wiring, request: Request, key: str, width: int, headers: Mapping[str, str]) -> Response:
    """Give a picture in another width; that it is still there is looked up each time, whatever is kept of it."""
    media_type = keys.media_type(key)
    if media_type != PICTURE:
        raise refused("is for pictures; leave it out")
    if stored_size(wiring.objects, key) > MOST_BYTES:
        raise refused(TOO_LARGE)
    changes = headers["Cache-Control"] == NO_CACHE
    stored = wiring.objects.read(key) if changes else None
    source = key if stored is None else stored.etag
    body = wiring.resizer.resized(source, lambda: (stored or wiring.objects.read(key)).body, width)
    etag = hashlib.sha256(body).hexdigest()
    return content_answer(request, body, etag=etag, media_type=media_type, headers=headers)


@router.head("/p/{token}/{key:path}", include_in_schema=False)
@router.get("/p/{token}/{key:path}", summary="Follow a link", response_class=Response, openapi_extra={"security": []})
def follow(wiring: Wired, request: Request, token: str, key: str, width: Width = None) -> Response:
    """Give the object a link opens: a file by ranges, a redirect for media elsewhere, playlists always in the body.

    With `?download` added to the link a browser saves it instead of showing it; `?width=` gives a picture in that
    width (pixels), or in its own where that is smaller.
    """
    now = wiring.clock.now()
    _judge(wiring, token, key, now)
    saved_as = keys.file_name(key) if "download" in request.query_params else None
    headers = {"Cache-Control": keys.cache_control(key), "X-Content-Type-Options": "nosniff"}
    if saved_as is not None:
        headers["Content-Disposition"] = f'attachment; filename="{saved_as}"'
    if width is not None:
        if not _is_stored(wiring, keys.resized(key, width)):
            return _resized(wiring, request, key, width, headers)
        key = keys.resized(key, width)
    media_type = keys.media_type(key)
    if headers["Cache-Control"] == NO_CACHE:
        # Read whole: between the look at a file and its reading another may take its name.
        return Response(wiring.objects.read(key).body, media_type=media_type, headers=headers)
    seconds = min(REDIRECT_SECONDS_MAX, _seconds_left(token, now))
    place = wiring.objects.locate(key, seconds=seconds, saved_as=saved_as)
    if isinstance(place, LocalFile):
        return ObjectFile(place.path, media_type=media_type, headers=headers)
    if request.method == "HEAD":  # which the address elsewhere does not take: it is signed for GET
        told = {"Content-Length": str(place.bytes), "Accept-Ranges": "bytes"}
        return Response(media_type=media_type, headers=headers | told)
    return RedirectResponse(place.url, status_code=HTTPStatus.TEMPORARY_REDIRECT, headers={"Cache-Control": "no-store"})
