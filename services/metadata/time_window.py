"""The `from` and `to` of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query

from services.domain.errors import InvalidInput
from services.metadata.field_types import moment

EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """The times from `start` on and before `end`."""

    start: datetime = EVER
    end: datetime = NEVER

    def holds(self, at: datetime) -> bool:
        """Say whether a time lies inside."""
        return self.start <= at < self.end


def _read(name: str, spelled: str | None, otherwise: datetime) -> datetime:
    if spelled is None:
        return otherwise
    try:
        return moment(spelled)
    except ValueError as error:
        raise InvalidInput(name, str(error)) from error


async def _window(
    start: Annotated[str | None, Query(alias="from", description="From this date or time on, by begin")] = None,
    end: Annotated[str | None, Query(alias="to", description="Before this date or time, by begin")] = None,
) -> TimeWindow:
    return TimeWindow(start=_read("from", start, EVER), end=_read("to", end, NEVER))


Window = Annotated[TimeWindow, Depends(_window)]
