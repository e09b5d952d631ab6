"""Routes of what a channel's sessions left: snapshots and recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.domain.artifact import FLAGS, Kind
from services.domain.errors import InvalidInput
from services.domain.ports import Position
from services.metadata import cursor
from services.metadata.channel_changes import find
from services.metadata.cursor import LIMIT_DEFAULT, CursorText, Limit
from services.metadata.media_answers import (
    RecordingList,
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


async def _placed(limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None) -> _Place:
    return _Place(limit=limit, after=cursor.decode(spelled, most=_MOST_POSITIONS))


Place = Annotated[_Place, Depends(_placed)]


async def _flagged(
    spelled: Annotated[
        list[str], Query(alias="flags", description=f"Only pictures judged to be one of these: {', '.join(FLAGS)}")
    ] = [],  # noqa: B006 - FastAPI copies it
) -> frozenset[str]:
    flags = {flag for each in spelled for flag in each.split(",")}
    if not flags <= set(FLAGS):
        raise InvalidInput("flags", f"must be {' or '.join(FLAGS)}")
    return frozenset(flags)


Flags = Annotated[frozenset[str], Depends(_flagged)]


def _shelf(wiring: Wiring, channel_id: str, kind: Kind, window: TimeWindow, flags: frozenset[str]) -> MediaShelf:
    find(wiring, channel_id)
    return MediaShelf(
        sessions=wiring.sessions,
        objects=wiring.objects,
        channel_id=channel_id,
        kind=kind,
        window=window,
        flags=flags,
    )


def _next(page: MediaPage) -> str | None:
    return cursor.encode(*page.after) if page.after else None


@router.get("/snapshots", summary="List snapshots")
def list_snapshots(wiring: Wired, channel_id: str, window: Window, place: Place, flags: Flags) -> SnapshotList:
    """Give a channel's pictures, newest first; a new one is listed within seconds."""
    page = _shelf(wiring, channel_id, Kind.SNAPSHOT, window, flags).page(place.limit, place.after)
    now = wiring.clock.now()
    items = [snapshot_view(each, wiring.links, now, SNAPSHOT_LIFE) for each in page.items]
    return SnapshotList(items=items, next=_next(page))


@router.get("/recordings", summary="List recordings")
def list_recordings(wiring: Wired, channel_id: str, window: Window, place: Place) -> RecordingList:
    """Give a channel's MP4 segments, newest first; one is listed when it is closed and stored."""
    page = _shelf(wiring, channel_id, Kind.RECORDING, window, frozenset()).page(place.limit, place.after)
    now = wiring.clock.now()
    items = [recording_view(each, wiring.links.make(each.key, life=RECORDING_LIFE, now=now)) for each in page.items]
    return RecordingList(items=items, next=_next(page))
