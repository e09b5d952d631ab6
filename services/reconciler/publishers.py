"""Which publishers are gone, and which broadcasts may not be on air any more; nothing is asked or done here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.domain import admission
from services.domain.channel import Channel
from services.domain.errors import PublishRefused
from services.domain.gateways import Gateway
from services.domain.session import Air, Publisher, Session
from services.domain.session import Close as CloseKind
from services.domain.standing import Standing
from services.reconciler.actions import Action, Close, LosePublisher
from services.reconciler.memory import Memory
from services.reconciler.sight import Sight

SETTLING = timedelta(seconds=6)
"""How long after its acceptance a connection may be missing from its gateway's list: it is held, then it starts."""
SEEN_SECONDS = 4.0
"""For how long it has to be so: after an outage of state, in which no row is written, each is written within 2 s."""


def decide(sight: Sight, memory: Memory) -> Iterator[Action]:
    """Give what follows for the open sessions and their publishers."""
    for session_id, standing in sight.standings.items():
        session = standing.session
        if session is None or session.publisher is None:
            yield from _closing(standing, sight, is_on_air=False)
            continue
        publisher = session.publisher
        lost = _lost(session, publisher, sight)
        if lost is None:
            yield from _closing(standing, sight, is_on_air=publisher.gateway in sight.gateways)
        elif memory.seconds(f"lost/{session_id}/{publisher.gateway}/{publisher.client_id}") >= SEEN_SECONDS:
            yield lost


def _lost(session: Session, publisher: Publisher, sight: Sight) -> LosePublisher | None:
    gateway = sight.gateways.get(publisher.gateway)
    reason = why_lost(session, publisher, gateway, sight.now)
    if reason is None:
        return None
    since = sight.now if gateway is None else max(publisher.accepted_at, gateway.seen_at)
    return LosePublisher(
        reason=reason, session_id=session.id, channel_id=session.channel_id, publisher=publisher, since=since
    )


def why_lost(session: Session, publisher: Publisher, gateway: Gateway | None, now: datetime) -> str | None:
    """Say why a connection counts as gone, by its gateway's row (None: there is none), or None if it does not."""
    if gateway is None:
        return "its gateway is no more" if now >= publisher.accepted_at + SETTLING else None
    if not gateway.is_alive(now):
        return "its gateway is dead"
    if gateway.has(session.channel_id, publisher.client_id) or gateway.seen_at < publisher.accepted_at + SETTLING:
        return None
    return "its gateway does not list it"


def _closing(standing: Standing, sight: Sight, *, is_on_air: bool) -> Iterator[Close]:
    """Close what may not be on air; where its publisher is on a gateway that lives, that one does it, and cuts it."""
    session, reason = standing.session, objection(standing.channel, standing.air, sight.now)
    if session is None or reason is None or is_on_air or session.close is CloseKind.STOP or session.closing:
        return
    yield Close(reason=reason, session_id=session.id, channel_id=session.channel_id)


def objection(channel: Channel | None, air: Air, now: datetime) -> str | None:
    """Give the code of why a channel may not be on air, or None if it may; one that is None is deleted."""
    if channel is None:
        return "deleted"
    try:
        admission.check_standing(channel, air, now)
    except PublishRefused as refusal:
        return refusal.code
    return None
