"""A channel as its answer shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.domain import keys, signing, times
from services.domain.channel import NUMBERS, Channel
from services.domain.errors import SessionNotFound
from services.domain.records import reason_record
from services.domain.session import Air, Block, Reason, Session, channel_state
from services.domain.source import masked
from services.domain.webhook import sinks_view
from services.metadata.field_types import whole
from services.metadata.signed_links import PLAYBACK_LIFE
from services.metadata.wiring import Wiring

JsonObject = dict[str, Any]

TOLD = timedelta(minutes=2)
"""How long the channel shows that a second publisher was refused."""

_PLAIN = (
    "id",
    "name",
    "description",
    "enabled",
    "is_image",
    "image_skip_unchanged",
    "is_video",
    "is_hls",
    "is_on_demand",
    "version",
)


def _told(block: Block) -> str:
    """Give a ban's reason and, where it has one, its end."""
    if block.until is None:
        return block.reason
    return f"{block.reason} (until {times.text(block.until)})".lstrip()


def _reason(air: Air, session: Session | None, now: datetime) -> Reason | None:
    """Say why a channel's state is as it is.

    A ban outranks all, and why nothing comes from its source what the session knows of that.
    """
    block = air.blocked(now)
    if block is not None:
        return Reason(code="blocked", detail=_told(block), since=block.since)
    if air.pull is not None and air.pull.trouble is not None and (session is None or session.publisher is None):
        return air.pull.trouble
    if session is None:
        return None
    return session.state_reason or _recent(session.turned_away, now)


def _recent(refusal: Reason | None, now: datetime) -> Reason | None:
    """Tell of a second publisher's refusal for a while, where nothing worse is to be told."""
    return refusal if refusal is not None and now - refusal.since < TOLD else None


def open_session(wiring: Wiring, air: Air) -> Session | None:
    """Give the session that is open on a channel."""
    if air.session_id is None:
        return None
    try:
        session = wiring.sessions.get(air.session_id)
    except SessionNotFound:
        return None
    return session if session.state.is_open else None


def publish_view(wiring: Wiring, channel: Channel) -> JsonObject:
    """Give where and with what to publish."""
    ring = wiring.publish_keyring
    sign = signing.sign_publish(
        ring,
        key_id=channel.key_secret,
        channel_id=channel.id,
        expires=int(channel.outdate.timestamp()),
        key_version=channel.key_version,
    )
    stream_key = f"{channel.id}?sign={sign}"
    return {
        "server": wiring.rtmp_url,
        "stream_key": stream_key,
        "url": f"{wiring.rtmp_url}/{stream_key}",
        "expires_at": times.text(channel.outdate),
        "secret": channel.key_secret if channel.key_secret in ring.secrets else ring.signer,
    }


def playback_view(wiring: Wiring, channel: Channel, air: Air, now: datetime) -> JsonObject:
    """Give where to watch; an entry is there when its output is on."""
    link = wiring.links.make(keys.live_playlist(channel.id), life=PLAYBACK_LIFE, now=now)
    view: JsonObject = {"hls": link.url} if channel.is_hls else {}
    newest = air.last_session_id
    if newest is not None and channel.is_on_demand:
        view["vod"] = wiring.links.make(keys.vod_playlist(channel.id, newest), life=PLAYBACK_LIFE, now=now).url
        if channel.is_image:
            view["sprites"] = wiring.links.make(keys.sprites(channel.id, newest), life=PLAYBACK_LIFE, now=now).url
    return {**view, "expires_at": link.expires_at}


def channel_view(wiring: Wiring, channel: Channel) -> JsonObject:
    """Give a channel's settings and what it is doing, both as they are stored now."""
    air = wiring.sessions.air(channel.id)
    return _view(wiring, channel, air, open_session(wiring, air))


def channel_views(wiring: Wiring, channels: Sequence[Channel]) -> list[JsonObject]:
    """Give the same of many channels, as it was a moment ago."""
    standings = wiring.overview.of_channels([channel.id for channel in channels])
    return [
        _view(wiring, channel, standing.air, standing.session)
        for channel, standing in zip(channels, standings, strict=True)
    ]


def _view(wiring: Wiring, channel: Channel, air: Air, session: Session | None) -> JsonObject:
    now = wiring.clock.now()
    return {
        **{name: getattr(channel, name) for name in _PLAIN},
        **{name: whole(getattr(channel, name)) for name in NUMBERS},
        "image_sizes": list(channel.image_sizes),
        "labels": dict(channel.labels),
        "outdate": times.text(channel.outdate),
        "second_publisher": channel.second_publisher,
        "retention": channel.retention.record(),
        "task_size": channel.task_size or None,
        "source_url": masked(channel.source_url) or None,
        "pulling": air.pull is not None,
        "sinks": sinks_view(channel.sinks, channel.id),
        "state": channel_state(air, session, now),
        "state_reason": reason_record(_reason(air, session, now)),
        "publish": publish_view(wiring, channel),
        "playback": playback_view(wiring, channel, air, now),
        "session": None if session is None else session.id,
        "created_at": times.text(channel.created_at),
        "updated_at": times.text(channel.updated_at),
    }
