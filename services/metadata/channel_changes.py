"""Changes to stored channels, each made to the version that was read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ulid import ULID

from services.domain.channel import Channel
from services.domain.errors import AlreadyExists, ChannelNotFound, VersionConflict
from services.domain.ids import is_id
from services.domain.source import unmasked
from services.domain.webhook import with_kept_secrets
from services.metadata.air_changes import ask_to_stop, end_pull
from services.metadata.channel_input import Given, ten_years_from
from services.metadata.outward import require_outward
from services.metadata.precondition import require_match
from services.metadata.sink_fields import require_known
from services.metadata.wiring import Wiring

ATTEMPTS = 20  # reads of a record that others change at the same time


def find(wiring: Wiring, channel_id: str) -> Channel:
    """Give a channel; raise ChannelNotFound, also for text that can be no id."""
    if not is_id(channel_id):
        raise ChannelNotFound
    return wiring.channels.get(channel_id)


def create(wiring: Wiring, given: Given) -> Channel:
    """Store a new channel with an id and a key of its own."""
    now = wiring.clock.now()
    channel = Channel(
        id=str(ULID()).lower(),
        created_at=now,
        updated_at=now,
        key_secret=wiring.publish_keyring.signer,
        older_fields=dict(given.not_built),
        **_told(wiring, given.whole(now), None),
    )
    wiring.channels.add(channel)
    return channel


def _told(wiring: Wiring, fields: dict[str, Any], old: Channel | None) -> dict[str, Any]:
    """Give the fields with the webhooks' secrets that are to stay; raise InvalidInput for where none leads."""
    if "sinks" in fields:
        require_known(fields["sinks"], wiring.sink_names)
        fields["sinks"] = with_kept_secrets(fields["sinks"], None if old is None else old.sinks)
    require_outward(fields, wiring.allowed_networks)
    return fields


def seed(wiring: Wiring, channel_id: str) -> None:
    """See to it that a channel of this id exists; one that is there stays as it is."""
    now = wiring.clock.now()
    signer = wiring.publish_keyring.signer
    channel = Channel(
        id=channel_id,
        name=channel_id.capitalize(),
        outdate=ten_years_from(now),
        created_at=now,
        updated_at=now,
        key_secret=signer,
        # A channel of this id may have been deleted: none of its keys shall work again.
        key_version=int(now.timestamp()),
    )
    with contextlib.suppress(AlreadyExists):
        wiring.channels.add(channel)


def replace_all(wiring: Wiring, channel_id: str, given: Given, if_match: str | None) -> Channel:
    """Set every field: to what was sent or to its default."""
    return _change(wiring, channel_id, if_match, lambda _old: given.whole(wiring.clock.now()) | {"older_fields": {}})


def merge(wiring: Wiring, channel_id: str, given: Given, if_match: str | None) -> Channel:
    """Set the fields that were sent; what is not built can only have been switched off."""

    def changes(old: Channel) -> dict[str, Any]:
        kept = {name: value for name, value in old.older_fields.items() if name not in given.not_built}
        return given.sent(wiring.clock.now()) | {"older_fields": kept}

    return _change(wiring, channel_id, if_match, changes)


def merge_older(wiring: Wiring, channel_id: str, given: Given) -> Channel:
    """Set the fields that an older caller sent, those of features not built included."""

    def changes(old: Channel) -> dict[str, Any]:
        return given.sent(wiring.clock.now()) | {"older_fields": {**old.older_fields, **given.not_built}}

    return _change(wiring, channel_id, None, changes)


def renew_key(wiring: Wiring, channel_id: str) -> Channel:
    """Give the channel a new stream key; the old one stops working."""
    signer = wiring.publish_keyring.signer
    return _change(wiring, channel_id, None, lambda old: {"key_version": old.key_version + 1, "key_secret": signer})


def _change(
    wiring: Wiring, channel_id: str, if_match: str | None, changes: Callable[[Channel], dict[str, Any]]
) -> Channel:
    for _ in range(ATTEMPTS):
        old = find(wiring, channel_id)
        require_match(if_match, old.version)
        new = old.changed(wiring.clock.now(), **_told(wiring, _meant(changes(old), old), old))
        try:
            wiring.channels.replace(new)
        except VersionConflict:
            continue
        if old.source_url and not (new.source_url and new.enabled):
            end_pull(wiring, channel_id)
        wiring.callback.refresh(channel_id)
        return new
    raise VersionConflict


def _meant(changes: dict[str, Any], old: Channel) -> dict[str, Any]:
    """Give the changes with the address that is meant where it was sent back as an answer shows it."""
    if "source_url" not in changes:
        return changes
    return changes | {"source_url": unmasked(changes["source_url"], old.source_url)}


def remove(wiring: Wiring, channel_id: str, if_match: str | None = None) -> None:
    """Forget a channel, its broadcast ended first; its sessions and objects stay."""
    for _ in range(ATTEMPTS):
        channel = find(wiring, channel_id)
        require_match(if_match, channel.version)
        ask_to_stop(wiring, channel_id)
        try:
            wiring.channels.remove(channel_id, channel.version)
        except VersionConflict:
            continue
        wiring.callback.refresh(channel_id)
        return
    raise VersionConflict
