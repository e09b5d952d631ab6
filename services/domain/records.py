"""Records of state as plain JSON values: every state adapter stores exactly these."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.domain import retention, times
from services.domain.channel import Channel
from services.domain.secrets import Secret
from services.domain.session import Air, Block, Close, Lease, Publisher, Pull, Reason, Session, SessionState
from services.domain.webhook import sinks_from_record, sinks_record

Record = dict[str, Any]


def _spelled(moment: datetime | None) -> str | None:
    return None if moment is None else times.text(moment)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else times.parse(value)


RECORD_MAX = 256 * 1024  # bytes of any record's JSON text; a DynamoDB item holds 400 KB, its keys included
_CHANNEL_TIMES = ("outdate", "created_at", "updated_at")


def channel_record(channel: Channel) -> Record:
    """Give a channel as JSON values."""
    record = {name: getattr(channel, name) for name in Channel.__slots__}
    for name in _CHANNEL_TIMES:
        record[name] = times.text(record[name])
    for name in ("labels", "older_fields"):
        record[name] = dict(record[name])
    record["image_sizes"] = list(record["image_sizes"])
    record["sinks"] = sinks_record(record["sinks"])
    record["retention"] = channel.retention.record()
    return record


def channel_to_store(channel: Channel) -> Record:
    """Give a channel as JSON values; raise InvalidInput if it is more than every store can keep."""
    channel.require_storable()
    return channel_record(channel)


def channel_from_record(record: Record) -> Channel:
    """Read a channel back."""
    moments = {name: times.parse(record[name]) for name in _CHANNEL_TIMES}
    later = {
        "image_sizes": tuple(record.get("image_sizes", ())),
        "sinks": sinks_from_record(record.get("sinks")),
        "retention": retention.from_record(record.get("retention")),
    }
    return Channel(**{**record, **moments, **later})


def reason_record(reason: Reason | None) -> Record | None:
    """Give a state's reason as the API and the manifest show it."""
    if reason is None:
        return None
    return {"code": reason.code, "detail": reason.detail, "since": times.text(reason.since)}


def reason_from_record(record: Record | None) -> Reason | None:
    """Read a reason back."""
    if record is None:
        return None
    return Reason(code=record["code"], detail=record["detail"], since=times.parse(record["since"]))


def _publisher_record(publisher: Publisher | None) -> Record | None:
    if publisher is None:
        return None
    return {
        "gateway": publisher.gateway,
        "client_id": publisher.client_id,
        "address": publisher.address,
        "accepted_at": times.text(publisher.accepted_at),
        "listening": publisher.listening,
    }


def _publisher_from_record(record: Record | None) -> Publisher | None:
    if record is None:
        return None
    return Publisher(**{**record, "accepted_at": times.parse(record["accepted_at"])})


def session_record(session: Session) -> Record:
    """Give a session as JSON values."""
    return {
        "id": session.id,
        "channel_id": session.channel_id,
        "started_at": times.text(session.started_at),
        "pull_token": session.pull_token.reveal(),
        "state": session.state.value,
        "state_reason": reason_record(session.state_reason),
        "turned_away": reason_record(session.turned_away),
        "ended_at": _spelled(session.ended_at),
        "publisher": _publisher_record(session.publisher),
        "absent_since": _spelled(session.absent_since),
        "left_at": _spelled(session.left_at),
        "close": session.close.value if session.close else None,
        "closing": session.closing,
        "media_sequence": session.media_sequence,
        "discontinuity_sequence": session.discontinuity_sequence,
        "hold": reason_record(session.hold),
        "expired": sorted(session.expired),
        "erased": sorted(session.erased),
        "removed_at": _spelled(session.removed_at),
        "version": session.version,
    }


def session_from_record(record: Record) -> Session:
    """Read a session back."""
    return Session(
        id=record["id"],
        channel_id=record["channel_id"],
        started_at=times.parse(record["started_at"]),
        pull_token=Secret(record["pull_token"]),
        state=SessionState(record["state"]),
        state_reason=reason_from_record(record["state_reason"]),
        turned_away=reason_from_record(record.get("turned_away")),  # records of before it was there lack it
        ended_at=_moment(record["ended_at"]),
        publisher=_publisher_from_record(record["publisher"]),
        absent_since=_moment(record["absent_since"]),
        left_at=_moment(record.get("left_at")),
        close=Close(record["close"]) if record["close"] else None,
        closing=record["closing"],
        media_sequence=record["media_sequence"],
        discontinuity_sequence=record["discontinuity_sequence"],
        hold=reason_from_record(record.get("hold")),
        expired=frozenset(record.get("expired", ())),
        erased=frozenset(record.get("erased", ())),
        removed_at=_moment(record.get("removed_at")),
        version=record["version"],
    )


def air_record(air: Air) -> Record:
    """Give what a channel is doing as JSON values."""
    return {
        "channel_id": air.channel_id,
        "session_id": air.session_id,
        "last_session_id": air.last_session_id,
        "block": None
        if air.block is None
        else {
            "until": _spelled(air.block.until),
            "reason": air.block.reason,
            "since": times.text(air.block.since),
        },
        "pull": None
        if air.pull is None
        else {"since": times.text(air.pull.since), "trouble": reason_record(air.pull.trouble)},
        "media_sequence": air.media_sequence,
        "discontinuity_sequence": air.discontinuity_sequence,
        "version": air.version,
    }


def air_from_record(record: Record) -> Air:
    """Read what a channel is doing back."""
    block = record["block"]
    pull = record.get("pull")  # records of before it was there lack it
    return Air(
        **{
            **record,
            "pull": pull and Pull(since=times.parse(pull["since"]), trouble=reason_from_record(pull["trouble"])),
            "block": block
            and Block(until=_moment(block["until"]), reason=block["reason"], since=times.parse(block["since"])),
        }
    )


def lease_record(lease: Lease) -> Record:
    """Give a lease as JSON values."""
    return {
        "session_id": lease.session_id,
        "epoch": lease.epoch,
        "holder": lease.holder,
        "expires_at": times.text(lease.expires_at),
        "control_url": lease.control_url,
        "leaving": lease.leaving,
    }


def lease_from_record(record: Record) -> Lease:
    """Read a lease back."""
    return Lease(**{**record, "expires_at": times.parse(record["expires_at"])})
