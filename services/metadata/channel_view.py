"""A channel as its answer shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.domain import keys, signing, times
from services.domain.channel import NUMBERS, Channel
from services.domain.errors import SessionNotFound
from services.domain.records import reason_record
from services.domain.session import Air, Block, Reason, Session, channel_state
from services.metadata.channel_fields import SECOND_PUBLISHER
from services.metadata.field_types import whole
from services.metadata.signed_links import PLAYBACK_LIFE
from services.metadata.wiring import Wiring

JsonObject = dict[str, Any]

_PLAIN = ("id", "name", "description", "enabled", "is_image", "is_video", "is_hls", "is_on_demand", "version")


def _told(block: Block) -> str:
    """Give a ban's reason and, where it has one, its end."""
    if block.until is None:
        return block.reason
    return f"{block.reason} (until {times.text(block.until)})".lstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAir:
    """What a channel is doing now; `session` is its open session."""

    air: Air
    session: Session | None

    def reason(self, now: datetime) -> Reason | None:
        """Say why the channel's state is as it is; a ban outranks what its session says."""
        block = self.air.blocked(now)
        if block is not None:
            return Reason(code="blocked", detail=_told(block), since=block.since)
        return None if self.session is None else self.session.state_reason


def open_session(wiring: Wiring, air: Air) -> Session | None:
    """Give the session that is open on a channel."""
    if air.session_id is None:
        return None
    try:
        session = wiring.sessions.get(air.session_id)
    except SessionNotFound:
        return None
    return session if session.state.is_open else None


def on_air(wiring: Wiring, channel_id: str) -> OnAir:
    """Read what a channel is doing now."""
    air = wiring.sessions.air(channel_id)
    return OnAir(air=air, session=open_session(wiring, air))


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


def playback_view(wiring: Wiring, channel: Channel, now: datetime) -> JsonObject:
    """Give where to watch; an entry is there when its output is on."""
    link = wiring.links.make(keys.live_playlist(channel.id), life=PLAYBACK_LIFE, now=now)
    view: JsonObject = {"hls": link.url} if channel.is_hls else {}
    newest = wiring.sessions.page(1, channel_id=channel.id) if channel.is_on_demand else ()
    for session in newest:
        view["vod"] = wiring.links.make(keys.vod_playlist(channel.id, session.id), life=PLAYBACK_LIFE, now=now).url
    return {**view, "expires_at": link.expires_at}


def channel_view(wiring: Wiring, channel: Channel) -> JsonObject:
    """Give a channel's settings and what it is doing, under the API's names."""
    now = wiring.clock.now()
    doing = on_air(wiring, channel.id)
    return {
        **{name: getattr(channel, name) for name in _PLAIN},
        **{name: whole(getattr(channel, name)) for name in NUMBERS},
        "labels": dict(channel.labels),
        "outdate": times.text(channel.outdate),
        "second_publisher": SECOND_PUBLISHER,
        "state": channel_state(doing.air, doing.session, now),
        "state_reason": reason_record(doing.reason(now)),
        "publish": publish_view(wiring, channel),
        "playback": playback_view(wiring, channel, now),
        "session": None if doing.session is None else doing.session.id,
        "created_at": times.text(channel.created_at),
        "updated_at": times.text(channel.updated_at),
    }
