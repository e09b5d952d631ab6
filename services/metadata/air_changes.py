"""Changes to what a channel is doing: its ban, and the end of its open session."""

from __future__ import annotations

from collections.abc import Callable

from services.domain.errors import VersionConflict
from services.domain.session import Air, Block, Close, Session
from services.metadata.channel_view import open_session
from services.metadata.wiring import Wiring

ATTEMPTS = 20  # reads of records that the gateway and the worker change at the same time

Next = Callable[[Air, Session | None], tuple[Air | None, Session | None]]


def block(wiring: Wiring, channel_id: str, ban: Block) -> None:
    """Ban a channel's publishers and end its session at once."""
    _change(wiring, channel_id, lambda air, session: (air.changed(block=ban), _stopped(session)))


def unblock(wiring: Wiring, channel_id: str) -> None:
    """Lift the ban, if there is one."""
    _change(wiring, channel_id, lambda air, _session: (None if air.block is None else air.changed(block=None), None))


def ask_to_stop(wiring: Wiring, channel_id: str) -> None:
    """End the open session at once, whoever is connected."""
    _change(wiring, channel_id, lambda _air, session: (None, _stopped(session)))


def ask_to_complete(wiring: Wiring, channel_id: str) -> None:
    """End the open session as soon as nobody is connected."""
    _change(wiring, channel_id, lambda _air, session: (None, _completed(session)))


def _stopped(session: Session | None) -> Session | None:
    return None if session is None or session.close is Close.STOP else session.asked_to_close(Close.STOP)


def _completed(session: Session | None) -> Session | None:
    return None if session is None or session.close is not None else session.asked_to_close(Close.COMPLETE)


def _change(wiring: Wiring, channel_id: str, following: Next) -> None:
    for _ in range(ATTEMPTS):
        air = wiring.sessions.air(channel_id)
        new_air, new_session = following(air, open_session(wiring, air))
        if new_air is None and new_session is None:
            return
        try:
            wiring.sessions.save(session=new_session, air=new_air)
        except VersionConflict:
            continue
        return
    raise VersionConflict
