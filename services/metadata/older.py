"""The older system's routes, answered as it answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.domain.channel import Channel
from services.domain.ports import ChannelStore, Position
from services.metadata import channel_changes, channel_input
from services.metadata.json_body import JsonObject, json_object
from services.metadata.older_view import older_view, older_views
from services.metadata.request_schemas import body_of
from services.metadata.wiring import Wired

router = APIRouter(prefix="/videostream", tags=["older system"])

Body = Annotated[JsonObject, Depends(json_object(any_type=True))]

READ_AT_ONCE = 100


def _all(store: ChannelStore) -> Iterator[Sequence[Channel]]:
    after: Position | None = None
    while channels := store.page(READ_AT_ONCE, after):
        yield channels
        after = Position(at=channels[-1].created_at, id=channels[-1].id)


@router.post("", summary="Create a channel", openapi_extra=body_of("OlderChannelFields"))
def create(wiring: Wired, body: Body) -> dict[str, Any]:
    """Store a new channel; fields of features that are not built yet are kept and named in `warnings`."""
    return older_view(wiring, channel_changes.create(wiring, channel_input.read_older(body)))


@router.get("", summary="List channels")
def list_all(wiring: Wired) -> list[dict[str, Any]]:
    """Give all channels as a bare array, newest first."""
    return [item for channels in _all(wiring.channels) for item in older_views(wiring, channels)]


@router.get("/{channel_id}", summary="Read a channel")
def read(wiring: Wired, channel_id: str) -> dict[str, Any]:
    """Give one channel."""
    return older_view(wiring, channel_changes.find(wiring, channel_id))


@router.put("/{channel_id}", summary="Change a channel", openapi_extra=body_of("OlderChannelFields"))
def change(wiring: Wired, channel_id: str, body: Body) -> dict[str, Any]:
    """Set the fields that are sent."""
    return older_view(wiring, channel_changes.merge_older(wiring, channel_id, channel_input.read_older(body)))


@router.delete("/{channel_id}", summary="Delete a channel")
def delete(wiring: Wired, channel_id: str) -> str:
    """End the channel's broadcast and forget the channel."""
    channel_changes.remove(wiring, channel_id)
    return "stream deleted"
