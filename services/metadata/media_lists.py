"""Routes of what a channel's sessions left: snapshots and recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from services.domain import keys
from services.domain.artifact import Kind
from services.domain.errors import ObjectNotFound
from services.domain.ports import Position
from services.metadata import cursor
from services.metadata.channel_changes import find
from services.metadata.cursor import LIMIT_DEFAULT, CursorText, Limit
from services.metadata.media_answers import (
    RecordingList,
    SnapshotAnswer,
    SnapshotList,
    recording_view,
    snapshot_view,
)
from services.metadata.media_pages import MediaPage, MediaShelf
from services.metadata.signed_links import RECORDING_LIFE, SNAPSHOT_LIFE
from services.metadata.time_window import TimeWindow, Window
from services.metadata.wiring import Wired, Wiring

router = APIRouter(prefix="/channels/{channel_id}", tags=["media"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Which page of a list: up to `limit` items after a position."""

    limit: int
    after: Sequence[Position] = ()


_MOST_POSITIONS = 2  # a session, and an artifact in it
PICTURE = "image/jpeg"


async def _placed(limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None) -> _Place:
    return _Place(limit=limit, after=cursor.decode(spelled, most=_MOST_POSITIONS))


Place = Annotated[_Place, Depends(_placed)]


def _page(wiring: Wiring, channel_id: str, kind: Kind, window: TimeWindow, place: _Place) -> MediaPage:
    find(wiring, channel_id)
    shelf = MediaShelf(
        sessions=wiring.sessions, objects=wiring.objects, channel_id=channel_id, kind=kind, window=window
    )
    return shelf.page(place.limit, place.after)


def _next(page: MediaPage) -> str | None:
    return cursor.encode(*page.after) if page.after else None


@router.get("/snapshots", summary="List snapshots")
def list_snapshots(wiring: Wired, channel_id: str, window: Window, place: Place) -> SnapshotList:
    """Give a channel's pictures, newest first; a new one is listed within seconds."""
    page = _page(wiring, channel_id, Kind.SNAPSHOT, window, place)
    now = wiring.clock.now()
    items = [snapshot_view(each, wiring.links.make(each.key, life=SNAPSHOT_LIFE, now=now)) for each in page.items]
    return SnapshotList(items=items, next=_next(page))


@router.get("/recordings", summary="List recordings")
def list_recordings(wiring: Wired, channel_id: str, window: Window, place: Place) -> RecordingList:
    """Give a channel's MP4 segments, newest first; one is listed when it is closed and stored."""
    page = _page(wiring, channel_id, Kind.RECORDING, window, place)
    now = wiring.clock.now()
    items = [recording_view(each, wiring.links.make(each.key, life=RECORDING_LIFE, now=now)) for each in page.items]
    return RecordingList(items=items, next=_next(page))


def _wants_picture(accept: str) -> bool:
    """Say whether an Accept header asks for the picture itself: by name, as an image element of a page does."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {PICTURE, "image/*"}) and "application/json" not in kinds


@router.get(
    "/snapshots/latest",
    response_model=SnapshotAnswer,
    summary="The newest snapshot",
    responses={200: {"content": {PICTURE: {}}}},
)
def latest_snapshot(
    wiring: Wired, channel_id: str, response: Response, accept: Annotated[str, Header()] = ""
) -> SnapshotAnswer | Response:
    """Give a link to the newest listed picture or, with `Accept: image/jpeg`, the newest picture itself."""
    response.headers["Vary"] = "Accept"
    if _wants_picture(accept):
        find(wiring, channel_id)
        body = wiring.objects.read(keys.latest_snapshot(channel_id)).body
        return Response(body, media_type=PICTURE, headers={"Cache-Control": "no-cache", "Vary": "Accept"})
    page = _page(wiring, channel_id, Kind.SNAPSHOT, TimeWindow(), _Place(limit=1))
    for artifact in page.items:
        return snapshot_view(artifact, wiring.links.make(artifact.key, life=SNAPSHOT_LIFE, now=wiring.clock.now()))
    raise ObjectNotFound
