"""Builds the program: the one place of this room that names concrete adapters of state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from services.adapters.address_guard import AddressGuard
from services.adapters.opening import open_state
from services.domain.clock import SystemClock
from services.puller.hold import Hold
from services.puller.pulling import Pulling
from services.puller.settings import PullerSettings
from services.puller.trouble import Trouble
from services.puller.wish import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """All that one channel's program is made of."""

    hold: Hold
    wish: Wish
    pulling: Pulling


@contextmanager
def puller(settings: PullerSettings, channel_id: str) -> Iterator[Puller]:
    """Give it; what it opened is closed when the block ends. Raise StateUnavailable if state cannot be opened."""
    clock = SystemClock()
    with closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state:
        wish = Wish(
            channel_id=channel_id,
            overview=state.overview,
            channels=state.channels,
            sessions=state.sessions,
            clock=clock,
            reread_seconds=settings.usual_reread_seconds,
        )
        yield Puller(
            hold=Hold(leases=state.leases, channel_id=channel_id, clock=clock, ttl=settings.lease_ttl),
            wish=wish,
            pulling=Pulling(
                wish=wish,
                guard=AddressGuard(settings.networks),
                trouble=Trouble(channel_id=channel_id, sessions=state.sessions, clock=clock),
                keyring=settings.keyring,
                clock=clock,
                publish_url=settings.publish_url,
            ),
        )
