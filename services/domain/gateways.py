"""The gateways: which lives of them are up, where they answer, and who is connected to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

BEAT_SECONDS = 2.0
"""How often a gateway writes its row while nothing changes; a change is written at once."""
DEAD_AFTER = timedelta(seconds=6)
"""A gateway that has not written for so long takes no part in anything."""
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A publisher as its gateway lists it; `client_id` is unique within one life of the gateway."""

    channel_id: str
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One life of one gateway, as it described itself at `seen_at`.

    `name` is `<name>/<life>`, as in `Publisher.gateway`. Workers pull from `pull_url`, an RTMP application; private
    calls go to the callback app at `control_url`. `zone` is the availability zone, empty where there are none. One that
    is `draining_since` takes no publisher any more and lets those it has go.
    """

    name: str
    seen_at: datetime
    pull_url: str
    control_url: str
    zone: str = ""
    connections: tuple[Connection, ...] = ()
    draining_since: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        """Say whether it has written lately."""
        return now < self.seen_at + DEAD_AFTER

    def has(self, channel_id: str, client_id: str) -> bool:
        """Say whether this very connection is on this gateway."""
        return Connection(channel_id=channel_id, client_id=client_id) in self.connections


class GatewayStore(Protocol):
    """Keeps a row for each life of a gateway. Every call may raise StateUnavailable."""

    def put(self, gateway: Gateway) -> None:
        """Store a gateway's own row, whatever was there; raise InvalidInput if it is too large to keep."""
        ...

    def get(self, name: str) -> Gateway | None:
        """Give a row as it was stored last, or None."""
        ...

    def all(self) -> Sequence[Gateway]:
        """Give every row, dead ones too, by name; each may lag behind by a second."""
        ...

    def remove(self, name: str) -> None:
        """Forget a row; nothing happens where there is none."""
        ...
