"""Channels, sessions and leases in DynamoDB, read together, where each may lag behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.adapters.dynamodb_channels import channel_of
from services.adapters.dynamodb_items import Items
from services.adapters.dynamodb_leases import lease_of
from services.adapters.dynamodb_sessions import air_of, session_of
from services.adapters.dynamodb_table import (
    OPEN,
    PULLS,
    Item,
    Newest,
    Open,
    air_key,
    channel_key,
    lease_key,
    session_key,
)
from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.errors import SessionNotFound
from services.domain.standing import Followed, Standing


def _channel(item: Item | None) -> Channel | None:
    return None if item is None else channel_of(item)


class DynamodbOverview:
    """Reads across items, a hundred in each call."""

    def __init__(self, items: Items, clock: Clock) -> None:
        """Use `items`, which its owner closes."""
        self._items = items
        self._clock = clock

    def of_channels(self, channel_ids: Sequence[str]) -> Sequence[Standing]:
        """Give what bears on each of the channels, in their order."""
        found = self._read([key(name) for name in channel_ids for key in (channel_key, air_key)])
        airs = {name: air_of(name, found.get(air_key(name))) for name in channel_ids}
        open_ids = [air.session_id for air in airs.values() if air.session_id is not None]
        found |= self._read([key(name) for name in open_ids for key in (session_key, lease_key)])
        return [self._standing(found, name, airs[name].session_id) for name in channel_ids]

    def open_sessions(self) -> Sequence[Standing]:
        """Give what bears on every session that has not ended or failed, newest first."""
        entries = self._items.listed(Open.Meta.index_name, OPEN)
        open_ids = [(entry.channel, entry.id.removeprefix(session_key(""))) for entry in entries]
        of_channels = [key(channel) for channel, _ in open_ids for key in (channel_key, air_key)]
        found = self._read([*of_channels, *(key(name) for _, name in open_ids for key in (session_key, lease_key))])
        standings = [self._standing(found, channel, name) for channel, name in open_ids]
        return [standing for standing in standings if standing.session is not None]

    def pulls(self) -> Sequence[Standing]:
        """Give what bears on every channel whose source is to be fetched."""
        entries = self._items.listed(Newest.Meta.index_name, PULLS)
        standings = self.of_channels([entry.id.removeprefix(air_key("")) for entry in entries])
        return [standing for standing in standings if standing.air.pull is not None]

    def follow(self, channel_id: str, session_id: str) -> Followed:
        """Give what a session's worker follows; raise SessionNotFound."""
        found = self._read([channel_key(channel_id), session_key(session_id), lease_key(session_id)])
        session = found.get(session_key(session_id))
        if session is None:
            raise SessionNotFound(f"no session has the id {session_id!r}")
        return Followed(
            channel=_channel(found.get(channel_key(channel_id))),
            session=session_of(session),
            lease=lease_of(found.get(lease_key(session_id)), self._clock.now()),
        )

    def _read(self, keys: Sequence[str]) -> dict[str, Item]:
        return dict(self._items.get_many(keys, consistent=False))

    def _standing(self, found: Mapping[str, Item], channel_id: str, session_id: str | None) -> Standing:
        item = None if session_id is None else found.get(session_key(session_id))
        session = None if item is None else session_of(item)
        is_open = session is not None and session.state.is_open
        return Standing(
            channel=_channel(found.get(channel_key(channel_id))),
            air=air_of(channel_id, found.get(air_key(channel_id))),
            session=session if is_open else None,
            lease=lease_of(found.get(lease_key(session_id)), self._clock.now()) if session_id and is_open else None,
        )
