"""Sessions by state, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence

from services.domain.ports import Position, SessionStore
from services.domain.session import Session, SessionState

READ_AT_ONCE = 500
READS_PER_PAGE = 20  # bounds the search for a rare state: a page may end early, with a place to go on from

Found = tuple[Sequence[Session], Position | None]  # a page, and where the list goes on


def any_state(store: SessionStore, limit: int, after: Position | None, *, channel_id: str | None = None) -> Found:
    """Give sessions in whatever state, of one channel or of all."""
    sessions = store.page(limit + 1, channel_id=channel_id, after=after)
    return _cut(sessions, limit)


def in_state(store: SessionStore, state: SessionState, limit: int, after: Position | None) -> Found:
    """Give sessions of all channels that are in one state."""
    return (_open if state.is_open else _closed)(store, state, limit, after)


def _open(store: SessionStore, state: SessionState, limit: int, after: Position | None) -> Found:
    found = [each for each in store.open_sessions() if each.state is state and _is_after(each, after)]
    return _cut(sorted(found, key=lambda each: (each.started_at, each.id), reverse=True), limit)


def _closed(store: SessionStore, state: SessionState, limit: int, after: Position | None) -> Found:
    found: list[Session] = []
    for _ in range(READS_PER_PAGE):
        sessions = store.page(READ_AT_ONCE, after=after)
        found.extend(each for each in sessions if each.state is state)
        if len(found) > limit or len(sessions) < READ_AT_ONCE:
            return _cut(found, limit)
        after = _place_of(sessions[-1])
    return found, after


def _cut(found: Sequence[Session], limit: int) -> Found:
    return found[:limit], _place_of(found[limit - 1]) if len(found) > limit else None


def _is_after(session: Session, after: Position | None) -> bool:
    return after is None or (session.started_at, session.id) < (after.at, after.id)


def _place_of(session: Session) -> Position:
    return Position(at=session.started_at, id=session.id)
