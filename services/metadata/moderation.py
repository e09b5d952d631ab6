"""Routes that act on a running channel: stop, unblock, complete, a new key."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from services.domain.errors import InvalidInput
from services.domain.session import Block
from services.metadata import air_changes, channel_changes
from services.metadata.answers import ChannelAnswer
from services.metadata.channels import answer
from services.metadata.field_types import Expiry
from services.metadata.json_body import JsonObject, json_object
from services.metadata.model_body import validated
from services.metadata.request_schemas import body_of
from services.metadata.wiring import Wired, Wiring

router = APIRouter(prefix="/channels/{channel_id}", tags=["moderation"])

REASON_MAX = 200  # characters


class StopOrder(BaseModel):
    """How long nobody may publish, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: StrictStr = Field(
        default="",
        max_length=REASON_MAX,
        title="Reason",
        description=f"Shown with the channel while it is blocked. At most {REASON_MAX} characters.",
    )
    block_until: Expiry | None = Field(
        default=None,
        title="Blocked until",
        description="A time in the future; if left out, until it is unblocked.",
    )


def _ban(order: StopOrder, now: datetime) -> Block:
    if order.block_until is not None and order.block_until <= now:
        raise InvalidInput("block_until", "must lie in the future; leave it out to block until unblock")
    return Block(until=order.block_until, reason=order.reason, since=now)


def after(wiring: Wiring, channel_id: str, response: Response) -> dict[str, Any]:
    """Tell the callback app, then give the channel as it is now."""
    wiring.callback.refresh(channel_id)
    return answer(wiring, channel_changes.find(wiring, channel_id), response)


@router.post(
    "/stop",
    response_model=ChannelAnswer,
    response_model_exclude_unset=True,
    summary="Drop the publisher and block the channel",
    openapi_extra=body_of("StopOrder", required=False),
)
def stop(
    wiring: Wired,
    channel_id: str,
    body: Annotated[JsonObject, Depends(json_object(optional=True))],
    response: Response,
) -> dict[str, Any]:
    """End the session at once; nobody publishes until then, or until `unblock`."""
    order = validated(StopOrder, body)
    channel_changes.find(wiring, channel_id)
    air_changes.block(wiring, channel_id, _ban(order, wiring.clock.now()))
    return after(wiring, channel_id, response)


@router.post(
    "/unblock", response_model=ChannelAnswer, response_model_exclude_unset=True, summary="Lift a channel's block"
)
def unblock(wiring: Wired, channel_id: str, response: Response) -> dict[str, Any]:
    """Let publishers in again; nothing happens to a channel that is not blocked."""
    channel_changes.find(wiring, channel_id)
    air_changes.unblock(wiring, channel_id)
    return after(wiring, channel_id, response)


@router.post(
    "/complete", response_model=ChannelAnswer, response_model_exclude_unset=True, summary="Do not wait for a reconnect"
)
def complete(wiring: Wired, channel_id: str, response: Response) -> dict[str, Any]:
    """End the session now or, while a publisher is connected, as soon as it leaves."""
    channel_changes.find(wiring, channel_id)
    air_changes.ask_to_complete(wiring, channel_id)
    return after(wiring, channel_id, response)


@router.post("/key", response_model=ChannelAnswer, response_model_exclude_unset=True, summary="Make a new stream key")
def renew_key(wiring: Wired, channel_id: str, response: Response) -> dict[str, Any]:
    """Give the channel a new stream key; the old one stops working."""
    return answer(wiring, channel_changes.renew_key(wiring, channel_id), response)
