"""The fields of a channel as a caller sets them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema

from services.domain.channel import (
    DEFAULT_LIFE_YEARS,
    DESCRIPTION_MAX,
    HLS_LIST_SIZE,
    HLS_TIME,
    IMAGE_TIME,
    LABEL_MAX,
    LABELS_MAX,
    NAME_MAX,
    RECONNECT_WINDOW,
    VIDEO_TIME,
    Range,
)
from services.metadata.field_types import Expiry, Number, Switch, number_in, number_schema, whole

SECOND_PUBLISHER = "refuse"  # the only policy there is


def _policy(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value == "takeover":
        message = '"takeover" is not built yet; use "refuse"'
        raise ValueError(message)
    if value != SECOND_PUBLISHER:
        message = 'must be "refuse"'
        raise ValueError(message)
    return SECOND_PUBLISHER


def _span(what: str, span: Range) -> str:
    return f"{what}, {span.low:g} to {span.high:,.10g} {span.unit}."


Label = Annotated[StrictStr, Field(max_length=LABEL_MAX)]
Policy = Annotated[str, BeforeValidator(_policy), WithJsonSchema({"type": "string", "enum": [SECOND_PUBLISHER]})]


class ChannelFields(BaseModel):
    """What a channel's owner may ask for; what is left out takes its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="ChannelFields")

    name: StrictStr = Field(
        default="", max_length=NAME_MAX, description=f"At most {NAME_MAX} characters. Older spelling: `videoname`."
    )
    description: StrictStr = Field(
        default="", max_length=DESCRIPTION_MAX, description=f"At most {DESCRIPTION_MAX} characters."
    )
    labels: dict[Label, Label] = Field(
        default_factory=dict,
        max_length=LABELS_MAX,
        description=f"At most {LABELS_MAX} names and values, each at most {LABEL_MAX} characters.",
    )
    enabled: Switch = Field(default=True, description="Whether anybody may publish.")
    outdate: Expiry | None = Field(
        default=None,
        description="When the stream key expires: a date (00:00 UTC) or an RFC 3339 time; "
        f"left out or null: {DEFAULT_LIFE_YEARS} years from now.",
    )
    is_image: Switch = Field(default=True, description="Take snapshots (JPEG). Older spelling: `isImage`.")
    image_time: Annotated[Number, number_in(IMAGE_TIME), number_schema(IMAGE_TIME)] = Field(
        default=whole(IMAGE_TIME.default), description=_span("Time between snapshots", IMAGE_TIME)
    )
    is_video: Switch = Field(default=True, description="Record MP4 segments. Older spelling: `isVideo`.")
    video_time: Annotated[Number, number_in(VIDEO_TIME), number_schema(VIDEO_TIME)] = Field(
        default=whole(VIDEO_TIME.default), description=_span("Length of an MP4 segment", VIDEO_TIME)
    )
    is_hls: Switch = Field(default=True, description="Make live HLS. Older spelling: `isHls`.")
    hls_time: Annotated[Number, number_in(HLS_TIME), number_schema(HLS_TIME)] = Field(
        default=whole(HLS_TIME.default), description=_span("Length of an HLS segment", HLS_TIME)
    )
    hls_list_size: Annotated[
        int, number_in(HLS_LIST_SIZE, integer=True), number_schema(HLS_LIST_SIZE, integer=True)
    ] = Field(default=int(HLS_LIST_SIZE.default), description=_span("Length of the live playlist", HLS_LIST_SIZE))
    is_on_demand: Switch = Field(
        default=True, description="Keep HLS segments and a vod.m3u8. Older spelling: `isOnDemand`."
    )
    reconnect_window: Annotated[Number, number_in(RECONNECT_WINDOW), number_schema(RECONNECT_WINDOW)] = Field(
        default=whole(RECONNECT_WINDOW.default),
        description=_span("How long a session waits for its publisher to come back", RECONNECT_WINDOW),
    )
    second_publisher: Policy = Field(
        default=SECOND_PUBLISHER, description="What happens to a second publisher while one is on air."
    )
