"""A session as its answer shows it: state from the state store, the rest from its manifest."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.domain import times
from services.domain.manifest import gap_record, part_record
from services.domain.ports import ObjectStore
from services.domain.records import reason_record
from services.domain.session import Session
from services.metadata.answers import ReasonAnswer
from services.metadata.field_types import Number, whole
from services.metadata.manifests import read_head

_TIME = "RFC 3339, UTC, milliseconds"


class _Span(BaseModel):
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    start: str = Field(alias="from", description=_TIME)


class PartAnswer(_Span):
    """One unbroken run of media."""

    model_config = ConfigDict(title="Part")

    n: int
    end: str | None = Field(alias="to", description=f"{_TIME}; null while it runs")
    video: dict[str, Any] | None = Field(description="codec, width, height")
    audio: dict[str, Any] | None = Field(description="codec, sample_rate, channels")
    drift: float = Field(description="seconds that its media clock has run ahead of time; negative: fallen behind")


class GapAnswer(_Span):
    """A time of which the named outputs have nothing."""

    model_config = ConfigDict(title="Gap")

    end: str = Field(alias="to", description=_TIME)
    outputs: list[str]
    cause: str


class ImagesAnswer(BaseModel):
    """The time from one snapshot to the next."""

    model_config = ConfigDict(title="Images")

    asked: Number = Field(description="Seconds: the channel's image_time")
    achieved: Number = Field(description="Seconds: the mean of the last few")


class SessionAnswer(BaseModel):
    """One broadcast."""

    id: str
    channel_id: str
    state: str = Field(description="starting, live, interrupted, ended or failed")
    state_reason: ReasonAnswer | None
    started_at: str = Field(description=_TIME)
    ended_at: str | None = Field(description=_TIME)
    parts: list[PartAnswer]
    gaps: list[GapAnswer]
    images: ImagesAnswer | None = Field(description="null before there are two snapshots to compare")
    expired: list[str] = Field(
        description="Kinds (snapshots, recordings, hls) of which the channel's retention is over"
    )
    hold: ReasonAnswer | None = Field(description="Why all of it is kept whatever the retention says")
    counts: dict[str, int] = Field(
        description="snapshots, recordings, segments and bytes in the store; unchanged: snapshots that were left out"
    )


class SessionList(BaseModel):
    """A page of sessions, newest first."""

    items: list[SessionAnswer]
    next: str | None = Field(description="The cursor of the next page")


def session_view(objects: ObjectStore, session: Session) -> dict[str, Any]:
    """Give a session; before its worker has written a manifest its lists are empty."""
    head = read_head(objects, session)
    return {
        "id": session.id,
        "channel_id": session.channel_id,
        "state": session.state.value,
        "state_reason": reason_record(session.state_reason),
        "started_at": times.text(session.started_at),
        "ended_at": None if session.ended_at is None else times.text(session.ended_at),
        "parts": [] if head is None else [part_record(part) for part in head.parts],
        "gaps": [] if head is None else [gap_record(gap) for gap in head.gaps],
        "images": None if head is None or head.images is None else {k: whole(v) for k, v in head.images.items()},
        "expired": sorted(session.expired),
        "hold": reason_record(session.hold),
        "counts": {"snapshots": 0, "recordings": 0, "segments": 0, "bytes": 0} | ({} if head is None else head.totals),
    }
