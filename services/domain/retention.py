"""How long what a session stored is kept: by kind, from the session's end on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.domain import keys
from services.domain.errors import InvalidInput

SNAPSHOTS, RECORDINGS, HLS = "snapshots", "recordings", "hls"
KINDS = (SNAPSHOTS, RECORDINGS, HLS)
DAYS_MIN, DAYS_MAX = 1, 36_500
LIVE_ONLY_DAYS = 1
"""How long segments are kept of a channel that keeps none on demand."""
_DATED = (SNAPSHOTS, RECORDINGS)
_CLOCKS_APART = timedelta(hours=1)
"""By how much the media clock may seem to be off from a session's begin and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days that each kind is kept; None: for ever."""

    snapshots: int | None = None
    recordings: int | None = None
    hls: int | None = None

    def __post_init__(self) -> None:
        """Refuse impossible values, by the field's name."""
        for kind in KINDS:
            days = getattr(self, kind)
            if days is not None and not DAYS_MIN <= days <= DAYS_MAX:
                raise InvalidInput("retention", f"{kind}: must be {DAYS_MIN} to {DAYS_MAX:,} days, or null for ever")

    def record(self) -> dict[str, int | None]:
        """Give it as JSON values."""
        return {kind: getattr(self, kind) for kind in KINDS}


FOR_EVER = Retention()


def from_record(record: Mapping[str, Any] | None) -> Retention:
    """Read it back; records of before it was there have none."""
    return FOR_EVER if record is None else Retention(**record)


def over(retention: Retention, ended_at: datetime, now: datetime, *, is_on_demand: bool) -> frozenset[str]:
    """Name the kinds whose time is over of a session that ended at `ended_at`."""
    days = retention.record()
    if not is_on_demand:
        days[HLS] = min(days[HLS] or LIVE_ONLY_DAYS, LIVE_ONLY_DAYS)
    return frozenset(kind for kind, limit in days.items() if limit is not None and now >= ended_at + timedelta(limit))


def prefixes(kind: str, channel_id: str, session_id: str, started_at: datetime, ended_at: datetime) -> Iterator[str]:
    """Give what the keys of a session's objects of one kind begin with, each ending with a slash."""
    if kind not in _DATED:
        yield keys.hls_folder(channel_id, session_id)
        return
    moment = started_at - _CLOCKS_APART
    while moment <= ended_at + _CLOCKS_APART:
        yield keys.dated_folder(kind, channel_id, session_id, moment)
        moment += timedelta(hours=1)
    yield keys.dated_folder(kind, channel_id, session_id, ended_at + _CLOCKS_APART)
