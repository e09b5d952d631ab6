"""The route that has a channel's source fetched."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from services.domain.errors import PublishRefused
from services.metadata import air_changes, channel_changes
from services.metadata.answers import ChannelAnswer
from services.metadata.moderation import after
from services.metadata.problem import Problem, field_problem
from services.metadata.wiring import Wired

router = APIRouter(prefix="/channels/{channel_id}", tags=["channels"])

NO_SOURCE = (
    "is not set, so there is nothing to fetch: set it first, or publish to the channel, which starts it by itself"
)
REMEDIES = {
    "blocked": "POST …/unblock first",
    "disabled": "set enabled to true first",
    "key_expired": "set a later outdate first",
}


@router.post(
    "/start", response_model=ChannelAnswer, response_model_exclude_unset=True, summary="Fetch the channel's source"
)
def start(wiring: Wired, channel_id: str, response: Response) -> dict[str, Any]:
    """Fetch from `source_url` and capture it until `stop` or `complete`; nothing happens where it is being fetched."""
    channel = channel_changes.find(wiring, channel_id)
    if not channel.source_url:
        raise Problem.invalid([field_problem("source_url", NO_SOURCE)])
    try:
        air_changes.begin_pull(wiring, channel)
    except PublishRefused as refusal:
        raise Problem(HTTPStatus.CONFLICT, f"{refusal.detail}: {REMEDIES[refusal.code]}") from refusal
    return after(wiring, channel_id, response)
