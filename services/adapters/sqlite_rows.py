"""The place in a table where a page begins."""

from __future__ import annotations

from services.domain import times
from services.domain.ports import Position

_BEFORE_ALL = ("~", "~")  # sorts after every time and every id


def page_start(after: Position | None) -> tuple[str, str]:
    """Give the time and id that every row of the page sorts before."""
    return _BEFORE_ALL if after is None else (times.text(after.at), after.id)
