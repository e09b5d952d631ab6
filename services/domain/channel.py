"""The channel: what its owner asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from services.domain.errors import InvalidInput
from services.domain.ids import require_id
from services.domain.retention import FOR_EVER, Retention
from services.domain.source import require_source
from services.domain.webhook import Sinks, require_sinks


@dataclass(frozen=True, slots=True)
class Range:
    """The values a number may take, both ends included, and its value when left out."""

    low: float
    high: float
    default: float
    unit: str = "seconds"


IMAGE_TIME = Range(0.5, 86_400, 10)
VIDEO_TIME = Range(2, 3_600, 60)
HLS_TIME = Range(1, 30, 2)
HLS_LIST_SIZE = Range(3, 1_000, 6, "segments")
RECONNECT_WINDOW = Range(0, 3_600, 180)
IMAGE_QUALITY = Range(1, 100, 85, "percent")
IMAGE_WIDTH = Range(16, 3_840, 640, "pixels")
IMAGE_SIZES_MAX = 5  # widths besides the picture's own
NUMBERS: Mapping[str, Range] = {
    "image_time": IMAGE_TIME,
    "video_time": VIDEO_TIME,
    "hls_time": HLS_TIME,
    "hls_list_size": HLS_LIST_SIZE,
    "reconnect_window": RECONNECT_WINDOW,
    "image_quality": IMAGE_QUALITY,
}

REFUSE, TAKEOVER = "refuse", "takeover"
SECOND_PUBLISHER = (REFUSE, TAKEOVER)
"""What becomes of a second publisher while one is on air, the default first."""

TASK_SIZES: Mapping[str, tuple[int, int]] = {
    "micro": (256, 512),
    "small": (512, 1024),
    "medium": (1024, 2048),
    "large": (2048, 4096),
    "xlarge": (4096, 8192),
}
"""CPU units (1,024 make a core) and MiB that a channel's worker has where each runs as a task of its own."""

NAME_MAX = 200  # characters
DESCRIPTION_MAX = 2_000  # characters
LABELS_MAX = 20  # entries
LABEL_MAX = 200  # characters of a label's name or value
OLDER_FIELDS_MAX = 64 * 1024  # bytes of all older fields together, as JSON text
DEFAULT_LIFE_YEARS = 10


def _json_size(value: object) -> int:
    """Give the bytes of a JSON value's text."""
    return len(json.dumps(value, ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel's settings; `version` grows by one with each stored change.

    Times that end in `_time` and `reconnect_window` are seconds; `outdate` is when the stream key expires.
    `image_sizes` are the widths (pixels) in which each picture is kept besides its own, narrowest first.
    `retention` says how long what its sessions store is kept.
    `task_size` is one of TASK_SIZES; empty: what the deployment gives.
    `source_url` is where the channel's stream is fetched from when it is started; empty: publishers bring it.
    `older_fields` keeps what the older system's callers sent and no feature uses yet.
    """

    id: str
    outdate: datetime
    created_at: datetime
    updated_at: datetime
    name: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    is_image: bool = True
    image_time: float = IMAGE_TIME.default
    image_quality: int = int(IMAGE_QUALITY.default)
    image_sizes: tuple[int, ...] = ()
    image_skip_unchanged: bool = False
    is_video: bool = True
    video_time: float = VIDEO_TIME.default
    is_hls: bool = True
    hls_time: float = HLS_TIME.default
    hls_list_size: int = int(HLS_LIST_SIZE.default)
    is_on_demand: bool = True
    reconnect_window: float = RECONNECT_WINDOW.default
    second_publisher: str = REFUSE
    retention: Retention = FOR_EVER
    sinks: Sinks = None
    source_url: str = ""
    task_size: str = ""
    key_version: int = 1
    key_secret: str = ""
    older_fields: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse impossible values, by the field's name."""
        require_id("id", self.id)
        for name, span in NUMBERS.items():
            value = getattr(self, name)
            if not span.low <= value <= span.high:
                raise InvalidInput(name, f"must be {span.low:g} to {span.high:g} {span.unit}")
        self._require_sizes()
        self._require_source()
        require_sinks(self.sinks)
        self._require_choices()
        if len(self.name) > NAME_MAX:
            raise InvalidInput("name", f"at most {NAME_MAX} characters")
        if len(self.description) > DESCRIPTION_MAX:
            raise InvalidInput("description", f"at most {DESCRIPTION_MAX} characters")
        if len(self.labels) > LABELS_MAX:
            raise InvalidInput("labels", f"at most {LABELS_MAX} labels")
        if any(len(text) > LABEL_MAX for pair in self.labels.items() for text in pair):
            raise InvalidInput("labels", f"a label's name and value have at most {LABEL_MAX} characters each")
        for name in ("outdate", "created_at", "updated_at"):
            if getattr(self, name).tzinfo is None:
                raise InvalidInput(name, "must be an aware time")

    def _require_choices(self) -> None:
        if self.second_publisher not in SECOND_PUBLISHER:
            raise InvalidInput("second_publisher", f"must be {' or '.join(SECOND_PUBLISHER)}")
        if self.task_size and self.task_size not in TASK_SIZES:
            raise InvalidInput("task_size", f"must be one of {', '.join(TASK_SIZES)}, or empty")

    def _require_source(self) -> None:
        if self.source_url:
            require_source(self.source_url)

    def _require_sizes(self) -> None:
        if len(self.image_sizes) > IMAGE_SIZES_MAX:
            raise InvalidInput("image_sizes", f"at most {IMAGE_SIZES_MAX} widths")
        if not all(IMAGE_WIDTH.low <= width <= IMAGE_WIDTH.high for width in self.image_sizes):
            raise InvalidInput("image_sizes", f"each width must be {IMAGE_WIDTH.low:g} to {IMAGE_WIDTH.high:g} pixels")
        if list(self.image_sizes) != sorted(set(self.image_sizes)):
            raise InvalidInput("image_sizes", "each width once, the narrowest first")

    def require_storable(self) -> None:
        """Refuse more than a store can keep; what was stored before this bound was there stays readable."""
        if _json_size(dict(self.older_fields)) > OLDER_FIELDS_MAX:
            largest, _ = max(self.older_fields.items(), key=_json_size)
            raise InvalidInput(
                largest,
                "is kept for a feature that is not built yet, and all such fields of a channel may take "
                f"{OLDER_FIELDS_MAX:,} bytes together: shorten or empty this one, the largest",
            )

    def changed(self, at: datetime, **changes: Any) -> Self:  # noqa: ANN401 - any field of the record
        """Give the next version of this channel with `changes` made at `at`."""
        return replace(self, **changes, version=self.version + 1, updated_at=at)
