"""What the API says of snapshots and recordings."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.domain import times
from services.domain.artifact import Artifact
from services.metadata.field_types import Number, whole
from services.metadata.signed_links import Link

_TIME = "RFC 3339, UTC, milliseconds"


class ObjectAnswer(BaseModel):
    """An object in the store, with a link to it."""

    key: str
    url: str
    expires_at: str = Field(description=f"The link works until then; {_TIME}")
    bytes: int
    sha256: str


class SnapshotAnswer(ObjectAnswer):
    """A picture."""

    captured_at: str = Field(description=f"By the media clock; {_TIME}")
    width: int | None = Field(description="Pixels")
    height: int | None = Field(description="Pixels")


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


def snapshot_view(artifact: Artifact, link: Link) -> SnapshotAnswer:
    """Give a snapshot as lists show it."""
    return SnapshotAnswer(
        key=artifact.key,
        url=link.url,
        expires_at=link.expires_at,
        bytes=artifact.bytes,
        sha256=artifact.sha256,
        captured_at=times.text(artifact.captured_at),
        width=artifact.width,
        height=artifact.height,
    )


def recording_view(artifact: Artifact, link: Link) -> RecordingAnswer:
    """Give a recording as lists show it."""
    return RecordingAnswer(
        key=artifact.key,
        url=link.url,
        expires_at=link.expires_at,
        bytes=artifact.bytes,
        sha256=artifact.sha256,
        started_at=times.text(artifact.captured_at),
        duration=whole(artifact.seconds),
    )
