"""Changes to sessions that have ended: hold, release, take down."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from services.domain.errors import SessionNotFound, VersionConflict
from services.domain.ids import is_id
from services.domain.session import Reason, Session
from services.metadata.problem import Problem
from services.metadata.wiring import Wiring

_ATTEMPTS = 5  # at a record that the reconciler changes as well


def find(wiring: Wiring, session_id: str) -> Session:
    """Give a session; raise SessionNotFound, also for one that was taken down."""
    if not is_id(session_id):
        raise SessionNotFound
    session = wiring.sessions.get(session_id)
    if session.removed_at is not None:
        raise SessionNotFound
    return session


def hold(wiring: Wiring, session_id: str, why: Reason | None) -> Session:
    """Hold an ended session or (None) release it; give it as it is now."""
    return _changed(wiring, session_id, lambda session: session.held(why))


def take_down(wiring: Wiring, session_id: str) -> None:
    """Let nothing be left of an ended session; raise Problem for one that is held."""

    def removed(session: Session) -> Session:
        if session.hold is not None:
            raise Problem(HTTPStatus.CONFLICT, "the session is held; release it first: DELETE /sessions/{id}/hold")
        return session.taken_down(wiring.clock.now())

    _changed(wiring, session_id, removed)


def _changed(wiring: Wiring, session_id: str, change: Callable[[Session], Session]) -> Session:
    for _ in range(_ATTEMPTS):
        session = find(wiring, session_id)
        if session.state.is_open:
            raise Problem(HTTPStatus.CONFLICT, "the session is still open; stop or complete its channel first")
        changed = change(session)
        if changed is session:
            return session
        try:
            wiring.sessions.save(session=changed)
        except VersionConflict:
            continue
        return changed
    raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the session keeps changing; try again in a moment")
