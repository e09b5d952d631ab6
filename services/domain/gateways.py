"""The gateways: which lives of them are up, where they answer, and who is connected to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.domain import times
from services.domain.errors import InvalidInput

BEAT_SECONDS = 2.0
"""How often a gateway writes its row while nothing changes; a change is written at once."""
DEAD_AFTER = timedelta(seconds=6)
"""A gateway that has not written for so long takes no part in anything."""
FORGOTTEN_AFTER = timedelta(hours=1)
"""How long after it was written last a row may go by itself."""
CONNECTIONS_MAX = 2_000
"""What a row holds: some 180 KB, and more than one nginx carries."""


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

    def is_forgotten(self, now: datetime) -> bool:
        """Say whether it has been silent for so long that it counts no more."""
        return now >= self.seen_at + FORGOTTEN_AFTER

    def takes_publishers(self, now: datetime) -> bool:
        """Say whether a publisher that comes to it is let in."""
        return self.is_alive(now) and self.draining_since is None

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


def gateway_record(gateway: Gateway) -> dict[str, Any]:
    """Give a gateway's row as JSON values: every state adapter stores exactly these."""
    if len(gateway.connections) > CONNECTIONS_MAX:
        raise InvalidInput("connections", f"at most {CONNECTIONS_MAX:,} publishers stand in a gateway's row")
    draining = gateway.draining_since
    return {
        "name": gateway.name,
        "seen_at": times.text(gateway.seen_at),
        "pull_url": gateway.pull_url,
        "control_url": gateway.control_url,
        "zone": gateway.zone,
        "connections": [[each.channel_id, each.client_id] for each in gateway.connections],
        "draining_since": None if draining is None else times.text(draining),
    }


def gateway_from_record(record: dict[str, Any]) -> Gateway:
    """Read a gateway's row back."""
    pairs, draining = record["connections"], record["draining_since"]
    moments = {
        "seen_at": times.parse(record["seen_at"]),
        "draining_since": None if draining is None else times.parse(draining),
    }
    connections = tuple(Connection(channel_id=channel, client_id=client) for channel, client in pairs)
    return Gateway(**{**record, **moments, "connections": connections})
