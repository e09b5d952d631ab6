"""What the API says of snapshots and recordings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from services.domain import times
from services.domain.artifact import Artifact, Rendition
from services.metadata.field_types import Number, whole
from services.metadata.signed_links import Link, SignedLinks

_TIME = "RFC 3339, UTC, milliseconds"


class ObjectAnswer(BaseModel):
    """An object in the store, with a link to it."""

    key: str
    url: str
    expires_at: str = Field(description=f"The link works until then; {_TIME}")
    bytes: int
    sha256: str


class SizeAnswer(ObjectAnswer):
    """The picture in another width."""

    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")


class SnapshotAnswer(ObjectAnswer):
    """A picture."""

    captured_at: str = Field(description=f"By the media clock; {_TIME}")
    width: int | None = Field(description="Pixels")
    height: int | None = Field(description="Pixels")
    flags: list[str] = Field(description="What it was judged to be: `black`, `frozen`")
    phash: str | None = Field(description="Perceptual hash (hex): pictures alike differ in few bits")
    sizes: list[SizeAnswer] = Field(description="The channel's `image_sizes`, the narrowest first")


class BurstAnswer(BaseModel):
    """A burst that has begun: each of its pictures is listed, and told of by an event, as it is taken."""

    items: list[SnapshotAnswer] = Field(description="The first picture")
    count: int
    interval: Number = Field(description="Seconds")
    until: str = Field(description=f"When the last is due; {_TIME}")


class RecordingAnswer(ObjectAnswer):
    """An MP4 segment."""

    started_at: str = Field(description=f"Its first picture, by the media clock; {_TIME}")
    duration: Number = Field(description="Seconds")


class SnapshotList(BaseModel):
    """A page of snapshots, newest first."""

    items: list[SnapshotAnswer]
    next: str | None = Field(description="The cursor of the next page")


class RecordingList(BaseModel):
    """A page of recordings, newest first."""

    items: list[RecordingAnswer]
    next: str | None = Field(description="The cursor of the next page")


def snapshot_view(artifact: Artifact, links: SignedLinks, now: datetime, life: timedelta) -> SnapshotAnswer:
    """Give a snapshot with links to it and to its other sizes."""
    return SnapshotAnswer(
        **_object(artifact, links.make(artifact.key, life=life, now=now)),
        captured_at=times.text(artifact.captured_at),
        width=artifact.width,
        height=artifact.height,
        flags=list(artifact.flags),
        phash=artifact.phash,
        sizes=[
            SizeAnswer(**_object(size, links.make(size.key, life=life, now=now)), width=size.width, height=size.height)
            for size in artifact.sizes
        ],
    )


def recording_view(artifact: Artifact, link: Link) -> RecordingAnswer:
    """Give a recording as lists show it."""
    return RecordingAnswer(
        **_object(artifact, link),
        started_at=times.text(artifact.captured_at),
        duration=whole(artifact.seconds),
    )


def _object(stored: Artifact | Rendition, link: Link) -> dict[str, Any]:
    return {
        "key": stored.key,
        "url": link.url,
        "expires_at": link.expires_at,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
    }
