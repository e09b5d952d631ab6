"""What is exported: all channels, what each is doing, all sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.admin.entry import Entry
from services.domain.clock import Clock
from services.domain.ports import ChannelStore, Overview, Position, SessionStore
from services.domain.session import Air, Session

PAGE = 100


def entries(channels: ChannelStore, sessions: SessionStore, overview: Overview) -> Iterator[Entry]:
    """Give every record but the leases, which speak of processes that run, page by page."""
    after: Position | None = None
    while channel_page := channels.page(PAGE, after):
        for channel in channel_page:
            yield channel
            yield from _air(sessions, channel.id)
        after = Position(at=channel_page[-1].created_at, id=channel_page[-1].id)
    after = None
    while page := sessions.page(PAGE, after=after):
        gone = _without_channel(overview, page)
        for session in page:
            yield session
            if session.channel_id in gone and _is_newest(sessions, session):
                yield from _air(sessions, session.channel_id)
        after = Position(at=page[-1].started_at, id=page[-1].id)


def at_work(overview: Overview, clock: Clock) -> int:
    """Count the sessions that a worker holds now."""
    leases = (standing.lease for standing in overview.open_sessions())
    return sum(lease is not None and lease.is_valid(clock.now()) for lease in leases)


def _air(sessions: SessionStore, channel_id: str) -> Iterator[Air]:
    air = sessions.air(channel_id)
    if air.version:
        yield air


def _without_channel(overview: Overview, page: Sequence[Session]) -> frozenset[str]:
    """Name the deleted channels of the page: what they were doing is kept under their sessions."""
    standings = overview.of_channels(sorted({session.channel_id for session in page}))
    return frozenset(standing.air.channel_id for standing in standings if standing.channel is None)


def _is_newest(sessions: SessionStore, session: Session) -> bool:
    newest = sessions.page(1, channel_id=session.channel_id)
    return [each.id for each in newest] == [session.id]
