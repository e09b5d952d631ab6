"""The audience: whom a channel's events are told, by its settings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.domain.channel import Channel
from services.domain.errors import ChannelNotFound
from services.domain.ports import ChannelStore
from services.domain.subscriber import Subscriber

KNOWN_MAX = 10_000  # channels

Audience = tuple[Subscriber, ...]


@dataclass(slots=True, kw_only=True)
class Audiences:
    """Looks up audiences; a channel's settings are read again after `seconds`.

    A channel that is deleted keeps the audience that it had; one that was never seen here has the deployment's.
    """

    channels: ChannelStore
    deployment: Sequence[Subscriber]
    seconds: float
    _known: dict[str, tuple[float, Audience]] = field(default_factory=dict)

    def of(self, channel_id: str) -> Audience:
        """Give a channel's audience; raise StateUnavailable."""
        now = time.monotonic()
        read_at, known = self._known.get(channel_id, (0.0, None))
        if known is not None and now - read_at < self.seconds:
            return known
        try:
            known = self._of(self.channels.get(channel_id))
        except ChannelNotFound:
            known = tuple(self.deployment) if known is None else known
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[channel_id] = (now, known)
        return known

    def _of(self, channel: Channel) -> Audience:
        if channel.sinks is None:
            return tuple(self.deployment)
        named = [each for each in self.deployment if each.name in channel.sinks]
        own = [each.subscriber(channel.id) for each in channel.sinks if not isinstance(each, str)]
        return (*named, *own)
