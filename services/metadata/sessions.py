"""Routes of sessions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from services.domain.session import Reason, SessionState
from services.metadata import cursor, session_changes, session_search
from services.metadata.channel_changes import find
from services.metadata.cursor import LIMIT_DEFAULT, CursorText, Limit
from services.metadata.json_body import JsonObject, json_object
from services.metadata.model_body import validated
from services.metadata.moderation import REASON_MAX
from services.metadata.request_schemas import body_of
from services.metadata.session_view import SessionAnswer, SessionList, session_view
from services.metadata.wiring import Wired, Wiring

router = APIRouter(tags=["sessions"])

State = Annotated[SessionState | None, Query(description="Only sessions in this state")]


def _answer(wiring: Wiring, found: session_search.Found) -> dict[str, Any]:
    sessions, following = found
    return {
        "items": [session_view(wiring.objects, session) for session in sessions],
        "next": None if following is None else cursor.encode(following),
    }


@router.get("/sessions", response_model=SessionList, summary="List sessions")
def list_sessions(
    wiring: Wired, state: State = None, limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None
) -> dict[str, Any]:
    """Give what is and was on air on all channels, newest first."""
    after = next(iter(cursor.decode(spelled)), None)
    store = wiring.sessions
    if state is None:
        return _answer(wiring, session_search.any_state(store, limit, after))
    return _answer(wiring, session_search.in_state(store, state, limit, after))


@router.get("/sessions/{session_id}", response_model=SessionAnswer, summary="Read a session")
def read_session(wiring: Wired, session_id: str) -> dict[str, Any]:
    """Give one broadcast with its parts, gaps and counts."""
    return session_view(wiring.objects, session_changes.find(wiring, session_id))


@router.delete("/sessions/{session_id}", status_code=HTTPStatus.NO_CONTENT, summary="Take a session down")
def take_down(wiring: Wired, session_id: str) -> None:
    """Remove an ended broadcast with all that it stored: it is listed no more at once, and its objects go soon after.

    One on air has to be stopped first, and one that is held released: 409.
    """
    session_changes.take_down(wiring, session_id)


class HoldOrder(BaseModel):
    """Why a session is to be kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: StrictStr = Field(default="", max_length=REASON_MAX, title="Reason", description="Shown with the session.")


@router.put(
    "/sessions/{session_id}/hold",
    response_model=SessionAnswer,
    summary="Hold a session",
    openapi_extra=body_of("HoldOrder", required=False),
)
def hold(
    wiring: Wired, session_id: str, body: Annotated[JsonObject, Depends(json_object(optional=True))]
) -> dict[str, Any]:
    """Keep all that an ended broadcast stored, whatever its channel's retention says, until it is released."""
    order = validated(HoldOrder, body)
    since = wiring.clock.now()
    held = session_changes.hold(wiring, session_id, Reason(code="held", detail=order.reason, since=since))
    return session_view(wiring.objects, held)


@router.delete("/sessions/{session_id}/hold", response_model=SessionAnswer, summary="Release a session")
def release(wiring: Wired, session_id: str) -> dict[str, Any]:
    """Let the channel's retention hold for a broadcast again."""
    return session_view(wiring.objects, session_changes.hold(wiring, session_id, None))


@router.get("/channels/{channel_id}/sessions", response_model=SessionList, summary="List a channel's sessions")
def list_channel_sessions(
    wiring: Wired, channel_id: str, limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None
) -> dict[str, Any]:
    """Give a channel's broadcasts, newest first."""
    after = next(iter(cursor.decode(spelled)), None)
    find(wiring, channel_id)
    return _answer(wiring, session_search.any_state(wiring.sessions, limit, after, channel_id=channel_id))
