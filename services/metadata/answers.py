"""What the API says of channels: the shapes of its answers."""

from __future__ import annotations

from pydantic import BaseModel, Field

from services.metadata.field_types import Number

_TIME = "RFC 3339, UTC, milliseconds"


class ReasonAnswer(BaseModel):
    """Why a state is as it is."""

    code: str = Field(description="One of the codes listed in docs/states.md")
    detail: str
    since: str = Field(description=_TIME)


class PublishAnswer(BaseModel):
    """Where and with what to publish."""

    server: str = Field(description="OBS: Server")
    stream_key: str = Field(description="OBS: Stream Key, `<id>?sign=<exp>-<hash>`")
    url: str = Field(description="Both in one, for ffmpeg")
    expires_at: str = Field(description=f"The stream key works until then; {_TIME}")
    secret: str = Field(description="The id of the secret that signed the key")


class PlaybackAnswer(BaseModel):
    """Where to watch; an entry is there when its output is on."""

    hls: str | None = Field(default=None, description="The live playlist")
    vod: str | None = Field(default=None, description="The newest session's whole playlist")
    sprites: str | None = Field(default=None, description="WebVTT of that session's sprite sheets, for a scrub bar")
    expires_at: str = Field(description=f"The links work until then; {_TIME}")


class WebhookAnswer(BaseModel):
    """A webhook of the channel's own; its secret is never shown again."""

    name: str = Field(description="Its name among the sinks of dead letters")
    url: str
    events: list[str] = Field(description="Types of events, all if empty")
    signed: bool = Field(description="Whether there is a secret")


class ChannelAnswer(BaseModel):
    """A channel: its settings and what it is doing."""

    id: str
    name: str
    description: str
    labels: dict[str, str]
    enabled: bool
    outdate: str = Field(description=f"When the stream key expires; {_TIME}")
    is_image: bool
    image_time: Number = Field(description="Seconds")
    image_quality: int = Field(description="Percent")
    image_sizes: list[int] = Field(description="Widths in pixels, besides the picture's own")
    image_skip_unchanged: bool
    is_video: bool
    video_time: Number = Field(description="Seconds")
    is_hls: bool
    hls_time: Number = Field(description="Seconds")
    hls_list_size: int = Field(description="Segments")
    is_on_demand: bool
    reconnect_window: Number = Field(description="Seconds")
    second_publisher: str
    retention: dict[str, int | None] = Field(description="Days that snapshots, recordings and hls are kept; null: ever")
    task_size: str | None = Field(description="What its worker gets on AWS; null: what the deployment gives")
    sinks: list[str | WebhookAnswer] | None = Field(description="Who is told of events; null: all of the deployment")
    source_url: str | None = Field(description="Where the stream is fetched from; what is secret in it is shown as ***")
    pulling: bool = Field(description="Whether it is to be fetched now: from start until stop or complete")
    state: str = Field(description="idle, starting, live, interrupted or blocked")
    state_reason: ReasonAnswer | None
    publish: PublishAnswer
    playback: PlaybackAnswer
    session: str | None = Field(description="The id of the open session")
    version: int = Field(description="Grows by one with each change; the ETag is the same number in quotes")
    created_at: str = Field(description=_TIME)
    updated_at: str = Field(description=_TIME)


class ChannelList(BaseModel):
    """A page of channels, newest first."""

    items: list[ChannelAnswer]
    next: str | None = Field(description="The cursor of the next page")
