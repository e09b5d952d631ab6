"""Sessions in DynamoDB, and what each channel is doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.adapters.dynamodb_items import Items, Refused, Write, place_of
from services.adapters.dynamodb_outbox import DynamodbOutbox
from services.adapters.dynamodb_table import (
    OPEN,
    PULLS,
    REMOVALS,
    SESSIONS,
    Item,
    Newest,
    OfChannel,
    Open,
    air_key,
    session_key,
)
from services.adapters.record_text import decoded, encoded
from services.domain.errors import SequenceTaken, SessionNotFound, VersionConflict
from services.domain.event import Event
from services.domain.ports import Position
from services.domain.records import air_from_record, air_record, session_from_record, session_record
from services.domain.session import Air, Session


def session_of(item: Item) -> Session:
    """Read a session's item."""
    return session_from_record(decoded(item.record))


def air_of(channel_id: str, item: Item | None) -> Air:
    """Read the item of what a channel is doing; without one, nobody has seen the channel yet."""
    return Air(channel_id=channel_id) if item is None else air_from_record(decoded(item.record))


def _lists_of(session: Session) -> dict[str, str]:
    """Give what puts a session into the lists that it belongs to."""
    if session.removed_at is not None:
        return {"open": REMOVALS}
    lists = {"listed": SESSIONS, "channel": session.channel_id}
    return {**lists, "open": OPEN} if session.state.is_open else lists


def _session_write(session: Session) -> Write:
    attributes: dict[str, Any] = {
        "id": session_key(session.id),
        "version": session.version,
        "record": encoded(session_record(session)),
        "place": place_of(Position(at=session.started_at, id=session.id)),
        **_lists_of(session),
    }
    condition = Item.id.does_not_exist() if session.version == 1 else Item.version == session.version - 1
    return Write(attributes=attributes, condition=condition)


def _air_write(air: Air) -> Write:
    attributes: dict[str, Any] = {
        "id": air_key(air.channel_id),
        "version": air.version,
        "record": encoded(air_record(air)),
    }
    if air.pull is not None:
        attributes |= {"listed": PULLS, "place": place_of(Position(at=air.pull.since, id=air.channel_id))}
    condition = Item.id.does_not_exist() if air.version == 1 else Item.version == air.version - 1
    return Write(attributes=attributes, condition=condition)


class DynamodbSessions:
    """Keeps sessions and what channels are doing, one item each."""

    def __init__(self, items: Items, outbox: DynamodbOutbox) -> None:
        """Use `items`, which its owner closes."""
        self._items = items
        self._outbox = outbox

    def air(self, channel_id: str) -> Air:
        """Give what a channel is doing; a channel never seen gives an Air of version 0."""
        return air_of(channel_id, self._items.get(air_key(channel_id)))

    def get(self, session_id: str) -> Session:
        """Give a session; raise SessionNotFound."""
        item = self._items.get(session_key(session_id))
        if item is None:
            raise SessionNotFound(f"no session has the id {session_id!r}")
        return session_of(item)

    def save(self, *, session: Session | None = None, air: Air | None = None, events: Sequence[Event] = ()) -> None:
        """Store the next version of either or of both, and what it tells, all or nothing; raise VersionConflict."""
        writes = [_session_write(session)] if session is not None else []
        writes += [_air_write(air)] if air is not None else []
        try:
            writes += self._outbox.writes(events)
        except SequenceTaken as taken:
            raise VersionConflict(str(taken)) from taken
        if not writes:
            return
        try:
            self._items.put(*writes)
        except Refused as refused:
            names = " or ".join(str(write.attributes["id"]) for write in writes)
            raise VersionConflict(f"{names} changed since it was read") from refused

    def page(self, limit: int, *, channel_id: str | None = None, after: Position | None = None) -> Sequence[Session]:
        """Give up to `limit` sessions by `started_at`, newest first."""
        index, of = (Newest, SESSIONS) if channel_id is None else (OfChannel, channel_id)
        return [session_of(item) for item in self._items.page(index.Meta.index_name, of, limit=limit, after=after)]

    def open_sessions(self) -> Sequence[Session]:
        """Give every session that has not ended or failed, newest first."""
        keys = [entry.id for entry in self._items.listed(Open.Meta.index_name, OPEN)]
        found = self._items.get_many(keys, consistent=True)
        sessions = [session_of(found[key]) for key in keys if key in found]
        return [session for session in sessions if session.state.is_open]

    def removals(self) -> Sequence[Session]:
        """Give every session that was taken down and is still stored, newest first."""
        keys = [entry.id for entry in self._items.listed(Open.Meta.index_name, REMOVALS)]
        found = self._items.get_many(keys, consistent=True)
        return [session_of(found[key]) for key in keys if key in found]

    def forget(self, session: Session) -> None:
        """Forget a session for good; raise VersionConflict unless this version is stored."""
        try:
            self._items.remove(session_key(session.id), Item.version == session.version)
        except Refused as refused:
            raise VersionConflict(f"session {session.id} changed since it was read") from refused
