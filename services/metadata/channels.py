"""Routes of channels."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from services.domain.channel import Channel
from services.domain.ports import Position
from services.metadata import channel_changes, channel_input, cursor
from services.metadata.answers import ChannelAnswer, ChannelList
from services.metadata.channel_view import channel_view, channel_views
from services.metadata.cursor import LIMIT_DEFAULT, CursorText, Limit
from services.metadata.json_body import JsonObject, json_object
from services.metadata.precondition import IfMatch, etag
from services.metadata.request_schemas import body_of
from services.metadata.wiring import Wired, Wiring

router = APIRouter(prefix="/channels", tags=["channels"])

Body = Annotated[JsonObject, Depends(json_object())]


def answer(wiring: Wiring, channel: Channel, response: Response) -> dict[str, Any]:
    """Give a channel with its version as the ETag."""
    response.headers["ETag"] = etag(channel.version)
    return channel_view(wiring, channel)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=ChannelAnswer,
    response_model_exclude_unset=True,
    summary="Create a channel",
    openapi_extra=body_of("ChannelFields"),
)
def create_channel(wiring: Wired, body: Body, response: Response) -> dict[str, Any]:
    """Store a new channel; the answer carries the address to publish to."""
    channel = channel_changes.create(wiring, channel_input.read(body))
    response.headers["Location"] = f"/channels/{channel.id}"
    return answer(wiring, channel, response)


@router.get("", response_model=ChannelList, response_model_exclude_unset=True, summary="List channels")
def list_channels(wiring: Wired, limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None) -> dict[str, Any]:
    """Give channels, newest first."""
    after = next(iter(cursor.decode(spelled)), None)
    channels = wiring.channels.page(limit + 1, after)
    shown = channels[:limit]
    more = len(channels) > limit
    return {
        "items": channel_views(wiring, shown),
        "next": cursor.encode(Position(at=shown[-1].created_at, id=shown[-1].id)) if more else None,
    }


@router.get("/{channel_id}", response_model=ChannelAnswer, response_model_exclude_unset=True, summary="Read a channel")
def read_channel(wiring: Wired, channel_id: str, response: Response) -> dict[str, Any]:
    """Give one channel."""
    return answer(wiring, channel_changes.find(wiring, channel_id), response)


@router.put(
    "/{channel_id}",
    response_model=ChannelAnswer,
    response_model_exclude_unset=True,
    summary="Replace a channel's settings",
    openapi_extra=body_of("ChannelFields"),
)
def replace_channel(
    wiring: Wired, channel_id: str, body: Body, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Set every field; those left out take their default. Id and key stay."""
    given = channel_input.read(body)
    return answer(wiring, channel_changes.replace_all(wiring, channel_id, given, if_match), response)


@router.patch(
    "/{channel_id}",
    response_model=ChannelAnswer,
    response_model_exclude_unset=True,
    summary="Change some of a channel's settings",
    openapi_extra=body_of("ChannelFields"),
)
def change_channel(
    wiring: Wired, channel_id: str, body: Body, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Set the fields that are sent; `labels` is set as a whole."""
    given = channel_input.read(body)
    return answer(wiring, channel_changes.merge(wiring, channel_id, given, if_match), response)


@router.delete("/{channel_id}", status_code=HTTPStatus.NO_CONTENT, summary="Delete a channel")
def delete_channel(wiring: Wired, channel_id: str, if_match: IfMatch = None) -> None:
    """End the channel's broadcast and forget the channel; its sessions and objects stay."""
    channel_changes.remove(wiring, channel_id, if_match)
