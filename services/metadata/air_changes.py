"""Changes to what a channel is doing: its ban, and the end of its open session."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.domain.admission import check_standing
from services.domain.channel import Channel
from services.domain.errors import VersionConflict
from services.domain.event import Event
from services.domain.session import Air, Block, Close, Pull, Session
from services.metadata.ban_event import events_of
from services.metadata.channel_view import open_session
from services.metadata.wiring import Wiring

ATTEMPTS = 20  # reads of records that the gateway and the worker change at the same time

Next = Callable[[Air, Session | None], tuple[Air | None, Session | None]]


def block(wiring: Wiring, channel_id: str, ban: Block) -> None:
    """Ban a channel's publishers and end its session at once."""
    _change(
        wiring,
        channel_id,
        lambda air, session: (air.changed(block=ban, pull=None), _stopped(session)),
        lambda air: events_of(wiring, channel_id, ban, air.session_id),
    )


def unblock(wiring: Wiring, channel_id: str) -> None:
    """Lift the ban, if there is one."""
    _change(wiring, channel_id, lambda air, _session: (None if air.block is None else air.changed(block=None), None))


def ask_to_stop(wiring: Wiring, channel_id: str) -> None:
    """End the open session at once, whoever is connected, and fetch no source."""
    _change(wiring, channel_id, lambda air, session: (_without_pull(air), _stopped(session)))


def ask_to_complete(wiring: Wiring, channel_id: str) -> None:
    """End the open session as soon as nobody is connected, and fetch no source."""
    _change(wiring, channel_id, lambda air, session: (_without_pull(air), _completed(session)))


def begin_pull(wiring: Wiring, channel: Channel) -> None:
    """Have the channel's source fetched, as it may be already; raise PublishRefused if it may not be on air."""
    now = wiring.clock.now()

    def following(air: Air, _session: Session | None) -> tuple[Air | None, None]:
        check_standing(channel, air, now)
        return (air.changed(pull=Pull(since=now)) if air.pull is None else None), None

    _change(wiring, channel.id, following)


def end_pull(wiring: Wiring, channel_id: str) -> None:
    """Have the channel's source fetched no more; its session waits for a publisher as ever."""
    _change(wiring, channel_id, lambda air, _session: (_without_pull(air), None))


def _without_pull(air: Air) -> Air | None:
    return None if air.pull is None else air.changed(pull=None)


def _stopped(session: Session | None) -> Session | None:
    return None if session is None or session.close is Close.STOP else session.asked_to_close(Close.STOP)


def _completed(session: Session | None) -> Session | None:
    return None if session is None or session.close is not None else session.asked_to_close(Close.COMPLETE)


def _change(
    wiring: Wiring, channel_id: str, following: Next, telling: Callable[[Air], Sequence[Event]] = lambda _: ()
) -> None:
    """Store what `following` gives together with the events of `telling`: either may be read and made again."""
    for _ in range(ATTEMPTS):
        air = wiring.sessions.air(channel_id)
        new_air, new_session = following(air, open_session(wiring, air))
        if new_air is None and new_session is None:
            return
        try:
            wiring.sessions.save(session=new_session, air=new_air, events=telling(air))
        except VersionConflict:
            continue
        return
    raise VersionConflict
