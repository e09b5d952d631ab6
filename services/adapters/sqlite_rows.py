"""Rows: a record as a column's JSON, and the place where a page begins."""

from __future__ import annotations

import json
from typing import Any

from services.domain import times
from services.domain.ports import Position
from services.domain.records import Record

_BEFORE_ALL = ("~", "~")  # sorts after every time and every id


def encoded(record: Record) -> str:
    """Give the text of a record's column."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def decoded(text: str) -> Record:
    """Read a record's column back."""
    record: dict[str, Any] = json.loads(text)
    return record


def page_start(after: Position | None) -> tuple[str, str]:
    """Give the time and id that every row of the page sorts before."""
    return _BEFORE_ALL if after is None else (times.text(after.at), after.id)
