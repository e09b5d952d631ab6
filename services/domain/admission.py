"""Who may go on air: one rule for the publish callback and for the watch over those already on air."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.domain import signing, times
from services.domain.channel import TAKEOVER, Channel
from services.domain.errors import PublishRefused
from services.domain.session import Air, Publisher, Session

LEAST_TENURE = timedelta(seconds=5)
"""How long a publisher is on air before another may take over: two encoders that both come back at once, for ever,
cost a channel so at most one new part in this time."""

_SIGN_PROBLEMS = {
    "malformed": ("bad_signature", "the stream key has no signature of the form <id>?sign=<exp>-<hash>"),
    "wrong": ("bad_signature", "the stream key's signature is wrong; copy the stream key again"),
    "expired": ("key_expired", "the stream key has expired; set a later outdate and copy the new key"),
}


def check_standing(channel: Channel, air: Air, now: datetime) -> None:
    """Raise PublishRefused if the channel as such may not be on air now."""
    if not channel.enabled:
        raise PublishRefused("disabled", "the channel is disabled")
    if now >= channel.outdate:
        raise PublishRefused("key_expired", f"the channel's stream key expired at {times.text(channel.outdate)}")
    block = air.blocked(now)
    if block is not None:
        until = "until it is unblocked" if block.until is None else f"until {times.text(block.until)}"
        raise PublishRefused("blocked", f"the channel is blocked {until}")


def may_be_pulled(channel: Channel | None, air: Air, now: datetime) -> bool:
    """Say whether a channel's source is to be fetched now."""
    if channel is None or not channel.source_url or air.pull is None:
        return False
    try:
        check_standing(channel, air, now)
    except PublishRefused:
        return False
    return True


def check_signature(keyring: signing.Keyring, channel: Channel, sign: str, now: datetime) -> None:
    """Raise PublishRefused unless `sign` is a valid signature of this channel's stream key."""
    verdict = signing.verify_publish(
        keyring, sign=sign, channel_id=channel.id, key_version=channel.key_version, now=now.timestamp()
    )
    if verdict != "ok":
        raise PublishRefused(*_SIGN_PROBLEMS[verdict])


def check_vacancy(session: Session | None) -> None:
    """Raise PublishRefused if the channel's last session is just being finalised."""
    if session is not None and session.state.is_open and (session.closing or session.close is not None):
        raise PublishRefused("finalising", "the last session is just being finalised; try again in a moment")


def incumbent(session: Session | None, gateway: str, client_id: str) -> Publisher | None:
    """Give who is on air in the way of this connection, if anybody is."""
    if session is None or not session.state.is_open or session.publisher is None:
        return None
    publisher = session.publisher
    is_in_the_way = not publisher.is_same_connection(gateway, client_id) and not publisher.was_cut_by_restart(gateway)
    return publisher if is_in_the_way else None


def may_take_over(channel: Channel, publisher: Publisher, now: datetime) -> bool:
    """Say whether the channel's policy lets another take the air from `publisher`, who may well be alive."""
    return channel.second_publisher == TAKEOVER and now >= publisher.accepted_at + LEAST_TENURE
