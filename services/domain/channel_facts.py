"""What every event says of its channel besides the id."""

from __future__ import annotations

from typing import Any

from services.domain.channel import Channel


def channel_facts(channel: Channel | None) -> dict[str, Any]:
    """Give a channel's name and labels, empty where it is gone."""
    if channel is None:
        return {"name": "", "labels": {}}
    return {"name": channel.name, "labels": dict(channel.labels)}
