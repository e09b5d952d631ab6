"""RFC 3339 text, epochs and `datetime`: one spelling of time for the whole house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utc(epoch_seconds: float) -> datetime:
    """Give the aware UTC time of an epoch in seconds, to the millisecond."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=round(epoch_seconds * 1000))


def text(moment: datetime) -> str:
    """Spell a time as RFC 3339 in UTC with milliseconds: `2026-11-20T10:00:00.000Z`."""
    if moment.tzinfo is None:
        message = "naive datetime"
        raise ValueError(message)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(value: str) -> datetime:
    """Read an RFC 3339 time, or a date as its 00:00 UTC; raise ValueError for anything else."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        if "T" in value or " " in value or ":" in value:
            message = "a time needs an offset, for example 2030-12-09T00:00:00Z"
            raise ValueError(message)
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        message = "a time lies in the years 1 to 9999 UTC"
        raise ValueError(message) from None
