"""Channels in DynamoDB."""

from __future__ import annotations

from collections.abc import Sequence

from services.adapters.dynamodb_items import Items, Refused, Write, place_of
from services.adapters.dynamodb_table import CHANNELS, Item, Newest, channel_key
from services.adapters.record_text import decoded, encoded
from services.domain.channel import Channel
from services.domain.errors import AlreadyExists, ChannelNotFound, Conflict, NotFound, VersionConflict
from services.domain.ports import Position
from services.domain.records import channel_from_record, channel_to_store


def channel_of(item: Item) -> Channel:
    """Read a channel's item."""
    return channel_from_record(decoded(item.record))


def _attributes(channel: Channel) -> dict[str, object]:
    return {
        "id": channel_key(channel.id),
        "version": channel.version,
        "record": encoded(channel_to_store(channel)),
        "listed": CHANNELS,
        "place": place_of(Position(at=channel.created_at, id=channel.id)),
    }


def _not_found(channel_id: str) -> ChannelNotFound:
    return ChannelNotFound(f"no channel has the id {channel_id!r}")


def _refusal(channel_id: str, refused: Refused) -> Conflict | NotFound:
    """Say why a write that names a version was refused."""
    if refused.stored is None:
        return _not_found(channel_id)
    return VersionConflict(f"channel {channel_id} changed since it was read")


class DynamodbChannels:
    """Keeps channels' settings, one item each."""

    def __init__(self, items: Items) -> None:
        """Use `items`, which its owner closes."""
        self._items = items

    def add(self, channel: Channel) -> None:
        """Store a new channel; raise AlreadyExists if its id is taken."""
        try:
            self._items.put(Write(attributes=_attributes(channel), condition=Item.id.does_not_exist()))
        except Refused as refused:
            raise AlreadyExists(f"channel {channel.id} exists") from refused

    def get(self, channel_id: str) -> Channel:
        """Give a channel; raise ChannelNotFound."""
        item = self._items.get(channel_key(channel_id))
        if item is None:
            raise _not_found(channel_id)
        return channel_of(item)

    def replace(self, channel: Channel) -> None:
        """Store the next version; raise VersionConflict unless the one before is stored, or ChannelNotFound."""
        try:
            self._items.put(Write(attributes=_attributes(channel), condition=Item.version == channel.version - 1))
        except Refused as refused:
            raise _refusal(channel.id, refused) from refused

    def remove(self, channel_id: str, version: int | None = None) -> None:
        """Forget a channel; raise ChannelNotFound, or VersionConflict if a `version` is given and is not stored."""
        condition = Item.id.exists() if version is None else Item.version == version
        try:
            self._items.remove(channel_key(channel_id), condition)
        except Refused as refused:
            raise _refusal(channel_id, refused) from refused

    def page(self, limit: int, after: Position | None = None) -> Sequence[Channel]:
        """Give up to `limit` channels by `created_at`, newest first."""
        items = self._items.page(Newest.Meta.index_name, CHANNELS, limit=limit, after=after)
        return [channel_of(item) for item in items]
