"""Routes of sessions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.domain.errors import SessionNotFound
from services.domain.ids import is_id
from services.domain.session import SessionState
from services.metadata import cursor, session_search
from services.metadata.channel_changes import find
from services.metadata.cursor import LIMIT_DEFAULT, CursorText, Limit
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
    if not is_id(session_id):
        raise SessionNotFound
    return session_view(wiring.objects, wiring.sessions.get(session_id))


@router.get("/channels/{channel_id}/sessions", response_model=SessionList, summary="List a channel's sessions")
def list_channel_sessions(
    wiring: Wired, channel_id: str, limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None
) -> dict[str, Any]:
    """Give a channel's broadcasts, newest first."""
    after = next(iter(cursor.decode(spelled)), None)
    find(wiring, channel_id)
    return _answer(wiring, session_search.any_state(wiring.sessions, limit, after, channel_id=channel_id))
