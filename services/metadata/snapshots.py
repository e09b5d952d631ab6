"""Routes of one snapshot: the newest, and one taken now."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from services.domain import keys
from services.domain.artifact import Artifact
from services.domain.errors import ObjectNotFound, PictureNotFound
from services.metadata import snapshot_taking
from services.metadata.accepting import PICTURE, wants_picture
from services.metadata.channel_changes import find
from services.metadata.conditional import content_answer
from services.metadata.json_body import JsonObject, json_object
from services.metadata.media_answers import BurstAnswer, SnapshotAnswer, snapshot_view
from services.metadata.picture_facts import described
from services.metadata.request_schemas import body_of
from services.metadata.resizing import MOST_BYTES, TOO_LARGE, Width, refused
from services.metadata.signed_links import SNAPSHOT_LIFE
from services.metadata.snapshot_order import ordered
from services.metadata.wiring import Wired, Wiring

router = APIRouter(prefix="/channels/{channel_id}/snapshots", tags=["media"])

LINK_SECONDS = int(SNAPSHOT_LIFE.total_seconds())
LINK_SECONDS_MAX = 7 * 24 * 3_600

ExpiresIn = Annotated[int, Query(ge=1, le=LINK_SECONDS_MAX, description="How long the links work, in seconds")]


def _view(wiring: Wiring, artifact: Artifact, seconds: int = LINK_SECONDS) -> SnapshotAnswer:
    return snapshot_view(artifact, wiring.links, wiring.clock.now(), timedelta(seconds=seconds))


def _picture(wiring: Wiring, request: Request, channel_id: str, width: int | None) -> Response:
    """Give latest.jpg itself, in a width if one is asked for."""
    try:
        stored = wiring.objects.read(keys.latest_snapshot(channel_id))
    except ObjectNotFound:
        raise PictureNotFound from None
    facts = described(channel_id, stored.body)
    etag, body = stored.etag.strip('"'), stored.body
    if width is not None:
        if len(body) > MOST_BYTES:
            raise refused(TOO_LARGE)
        body = wiring.resizer.resized(etag, lambda: stored.body, width)
        etag = f"{etag}-w{width}"
    return content_answer(
        request,
        body,
        etag=etag,
        media_type=PICTURE,
        headers={"Cache-Control": "no-cache", "Vary": "Accept"},
        modified=None if facts is None else facts.captured_at,
    )


@router.head("/latest", response_model=SnapshotAnswer, include_in_schema=False)
@router.get(
    "/latest",
    response_model=SnapshotAnswer,
    summary="The newest snapshot",
    responses={
        200: {"content": {PICTURE: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The caller has this picture: If-None-Match or If-Modified-Since says so"},
    },
)
def latest_snapshot(  # noqa: PLR0917 - each is a parameter of the request
    wiring: Wired,
    request: Request,
    response: Response,
    channel_id: str,
    expires_in: ExpiresIn = LINK_SECONDS,
    width: Width = None,
    accept: Annotated[str, Header()] = "",
) -> SnapshotAnswer | Response:
    """Give links to the newest stored picture or, with `Accept: image/jpeg`, the newest picture itself."""
    find(wiring, channel_id)
    if wants_picture(accept):
        return _picture(wiring, request, channel_id, width)
    if width is not None:
        raise refused("goes with Accept: image/jpeg, or is added to a link: <url>?width=…")
    response.headers["Vary"] = "Accept"
    return _view(wiring, wiring.newest.find(channel_id), expires_in)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {"model": SnapshotAnswer, "description": "The picture was taken, and lies in the store"},
    200: {"model": SnapshotAnswer, "description": "The picture was in the store already"},
    202: {"model": BurstAnswer, "description": "A burst has begun; this is its first picture"},
}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=SnapshotAnswer | BurstAnswer,
    summary="Take a snapshot now, or several",
    responses=_ANSWERS,
    openapi_extra=body_of("SnapshotOrder", required=False),
)
async def take_snapshot(
    wiring: Wired,
    channel_id: str,
    body: Annotated[JsonObject, Depends(json_object(optional=True))],
    response: Response,
) -> SnapshotAnswer | BurstAnswer:
    """Give the newest keyframe as a stored picture or, with `max_age`, a newer frame; with `count` begin a burst."""
    order = ordered(body)
    if order.count is not None and order.interval is not None:
        first, until = await snapshot_taking.burst(wiring, channel_id, order.count, order.interval)
        response.status_code = HTTPStatus.ACCEPTED
        items = [_view(wiring, first.artifact)]
        return BurstAnswer(items=items, count=order.count, interval=order.interval, until=until)
    shot = await snapshot_taking.take(wiring, channel_id, order.max_age)
    response.status_code = HTTPStatus.CREATED if shot.created else HTTPStatus.OK
    return _view(wiring, shot.artifact)
