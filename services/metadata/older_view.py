"""A channel as the older system showed it: a flat item under the older names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.domain import times
from services.domain.channel import Channel
from services.metadata.channel_view import channel_view, channel_views
from services.metadata.spellings import OLDER_OF, is_off
from services.metadata.wiring import Wiring

# Named otherwise there, told once more inside `publish`, or unknown to the older system.
_LEFT_OUT = frozenset({"outdate", "second_publisher"})


def older_outdate(outdate: datetime) -> str:
    """Give the expiry as the older system spelled it: a date, where it is the date's 00:00 UTC."""
    spelled = times.text(outdate.astimezone(UTC))
    return spelled.removesuffix("T00:00:00.000Z")


def warnings(channel: Channel) -> list[str]:
    """Name each field that is kept and has no effect yet."""
    return [
        f"{name} is kept, but what it asks for is not built yet"
        for name, value in channel.older_fields.items()
        if not is_off(value)
    ]


def older_view(wiring: Wiring, channel: Channel) -> dict[str, Any]:
    """Give the flat item; `key` is the `<exp>-<hash>` of the stream key."""
    return _flat(channel, channel_view(wiring, channel))


def older_views(wiring: Wiring, channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """Give the flat items of many channels."""
    views = channel_views(wiring, channels)
    return [_flat(channel, view) for channel, view in zip(channels, views, strict=True)]


def _flat(channel: Channel, view: dict[str, Any]) -> dict[str, Any]:
    _, _, key = view["publish"]["stream_key"].partition("?sign=")
    named = {OLDER_OF.get(name, name): value for name, value in view.items() if name not in _LEFT_OUT}
    return {
        **channel.older_fields,
        **named,
        "key": key,
        "outdate": older_outdate(channel.outdate),
        "warnings": warnings(channel),
    }
