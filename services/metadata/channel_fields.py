"""The fields of a channel as a caller sets them."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema

from services.domain.channel import (
    DEFAULT_LIFE_YEARS,
    DESCRIPTION_MAX,
    HLS_LIST_SIZE,
    HLS_TIME,
    IMAGE_QUALITY,
    IMAGE_SIZES_MAX,
    IMAGE_TIME,
    IMAGE_WIDTH,
    LABEL_MAX,
    LABELS_MAX,
    NAME_MAX,
    RECONNECT_WINDOW,
    REFUSE,
    SECOND_PUBLISHER,
    TASK_SIZES,
    VIDEO_TIME,
    Range,
)
from services.domain.retention import FOR_EVER
from services.domain.source import LENGTH_MAX as SOURCE_URL_MAX
from services.metadata.field_types import (
    Expiry,
    Number,
    Switch,
    lines,
    number_in,
    number_schema,
    one_line,
    spelled_number,
    whole,
)
from services.metadata.retention_field import DESCRIPTION as RETENTION_DESCRIPTION
from services.metadata.retention_field import RetentionField
from services.metadata.sink_fields import DESCRIPTION as SINKS_DESCRIPTION
from services.metadata.sink_fields import SinkList


def _policy(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value not in SECOND_PUBLISHER:
        message = f"must be {' or '.join(json.dumps(policy) for policy in SECOND_PUBLISHER)}"
        raise ValueError(message)
    return str(value)


def _task_size(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if value in (None, False, "false", ""):
        return ""
    if value not in TASK_SIZES:
        message = f"must be {', '.join(TASK_SIZES)}, or empty"
        raise ValueError(message)
    return str(value)


def _source(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Read null as none; what may stand in an address is for the domain to say, once its masks are taken off."""
    return "" if value is None else value


def _named(label: str) -> str:
    if not label.strip():
        message = "a label must have a name"
        raise ValueError(message)
    return label


def _span(what: str, span: Range) -> str:
    return f"{what}, {span.low:g} to {span.high:,.10g} {span.unit}."


def _widths(value: Any) -> tuple[int, ...]:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, list):
        message = "must be a list of widths in pixels"
        raise ValueError(message)  # noqa: TRY004 - pydantic takes ValueError
    if len({str(width) for width in value}) > IMAGE_SIZES_MAX:  # one given twice is no second
        message = f"must be at most {IMAGE_SIZES_MAX} widths"
        raise ValueError(message)
    return tuple(sorted({int(spelled_number(width, IMAGE_WIDTH, integer=True)) for width in value}))


_WIDTHS_SCHEMA = {
    "type": "array",
    "items": number_schema(IMAGE_WIDTH, integer=True).json_schema,
    "maxItems": IMAGE_SIZES_MAX,
}

Widths = Annotated[tuple[int, ...], BeforeValidator(_widths), WithJsonSchema(_WIDTHS_SCHEMA)]
Line = Annotated[StrictStr, AfterValidator(one_line)]
SourceUrl = Annotated[Line, BeforeValidator(_source), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})]
Label = Annotated[Line, Field(max_length=LABEL_MAX)]
LabelName = Annotated[Label, AfterValidator(_named)]
TaskSize = Annotated[str, BeforeValidator(_task_size), WithJsonSchema({"type": "string", "enum": ["", *TASK_SIZES]})]
Policy = Annotated[str, BeforeValidator(_policy), WithJsonSchema({"type": "string", "enum": list(SECOND_PUBLISHER)})]


class ChannelFields(BaseModel):
    """What a channel's owner may ask for; what is left out takes its default.

    Titles and descriptions are what OpenAPI and the console's forms say of a field.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, title="ChannelFields")

    name: Line = Field(
        default="",
        max_length=NAME_MAX,
        title="Name",
        description=f"What people call the channel. At most {NAME_MAX} characters.",
    )
    description: Annotated[StrictStr, AfterValidator(lines)] = Field(
        default="",
        max_length=DESCRIPTION_MAX,
        title="Description",
        description=f"Anything to remember about it. At most {DESCRIPTION_MAX:,} characters.",
    )
    labels: dict[LabelName, Label] = Field(
        default_factory=dict,
        max_length=LABELS_MAX,
        title="Labels",
        description="Names with values, to sort channels by. "
        f"At most {LABELS_MAX} names and values, each at most {LABEL_MAX} characters.",
    )
    enabled: Switch = Field(default=True, title="Enabled", description="Whether anybody may publish.")
    outdate: Expiry | None = Field(
        default=None,
        title="Stream key expires",
        description=f"When the stream key stops working; {DEFAULT_LIFE_YEARS} years from now if left out.",
    )
    is_image: Switch = Field(default=True, title="Take snapshots", description="Keep pictures (JPEG) of the stream.")
    image_time: Annotated[Number, number_in(IMAGE_TIME), number_schema(IMAGE_TIME)] = Field(
        default=whole(IMAGE_TIME.default),
        title="Time between snapshots",
        description=_span("From one picture to the next", IMAGE_TIME),
    )
    image_quality: Annotated[
        int, number_in(IMAGE_QUALITY, integer=True), number_schema(IMAGE_QUALITY, integer=True)
    ] = Field(
        default=int(IMAGE_QUALITY.default),
        title="Quality of snapshots",
        description=_span("A finer picture takes more bytes", IMAGE_QUALITY),
    )
    image_sizes: Widths = Field(
        default=(),
        max_length=IMAGE_SIZES_MAX,
        title="More sizes",
        description=f"Widths in pixels in which each snapshot is kept besides its own, at most {IMAGE_SIZES_MAX}; "
        "one that is wider than the stream is left out.",
    )
    image_skip_unchanged: Switch = Field(
        default=False,
        title="Keep changes only",
        description="Leave out a snapshot that shows what the one before it shows, but for one every few minutes.",
    )
    is_video: Switch = Field(
        default=True, title="Record", description="Keep the stream as MP4 files, one after another."
    )
    video_time: Annotated[Number, number_in(VIDEO_TIME), number_schema(VIDEO_TIME)] = Field(
        default=whole(VIDEO_TIME.default),
        title="Length of a recording",
        description=_span("After how long a new MP4 file begins", VIDEO_TIME),
    )
    is_hls: Switch = Field(
        default=True, title="Play live", description="Make live HLS, which browsers and players can watch."
    )
    hls_time: Annotated[Number, number_in(HLS_TIME), number_schema(HLS_TIME)] = Field(
        default=whole(HLS_TIME.default),
        title="Length of an HLS segment",
        description=_span("Shorter segments bring viewers closer to now and cost more requests", HLS_TIME),
    )
    hls_list_size: Annotated[
        int, number_in(HLS_LIST_SIZE, integer=True), number_schema(HLS_LIST_SIZE, integer=True)
    ] = Field(
        default=int(HLS_LIST_SIZE.default),
        title="Length of the live playlist",
        description=_span("How far back a live viewer can go", HLS_LIST_SIZE),
    )
    is_on_demand: Switch = Field(
        default=True,
        title="Play afterwards",
        description="Keep all HLS segments and a playlist of the whole broadcast (vod.m3u8).",
    )
    reconnect_window: Annotated[Number, number_in(RECONNECT_WINDOW), number_schema(RECONNECT_WINDOW)] = Field(
        default=whole(RECONNECT_WINDOW.default),
        title="Time to reconnect",
        description=_span("How long a broadcast waits for its publisher to come back", RECONNECT_WINDOW),
    )
    retention: RetentionField = Field(
        default_factory=FOR_EVER.record, title="Kept for", description=RETENTION_DESCRIPTION
    )
    source_url: SourceUrl = Field(
        default="",
        max_length=SOURCE_URL_MAX,
        title="Source",
        description="An address (RTMP, RTMPS, RTSP, SRT, HLS or another over HTTP) to fetch the stream from after "
        "`start`; empty or null: publishers bring it. An answer shows its credentials as ***, and what is sent back so "
        f"stays as it is. At most {SOURCE_URL_MAX:,} characters.",
    )
    task_size: TaskSize = Field(
        default="",
        title="Size of its task",
        description=f"What its worker gets on AWS: {', '.join(TASK_SIZES)}; empty or null: what the deployment gives. "
        "One machine has no use for it.",
    )
    second_publisher: Policy = Field(
        default=REFUSE,
        title="Second publisher",
        description="What happens to a second publisher with the right key while one is on air: it is refused, or it "
        "takes over. One that has sent nothing for 2 seconds makes way in either case.",
    )
    sinks: SinkList = Field(default=None, title="Told of events", description=SINKS_DESCRIPTION)
