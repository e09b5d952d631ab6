"""The text that a record is stored as."""

from __future__ import annotations

import json
from typing import Any

from services.domain.records import Record


def encoded(record: Record) -> str:
    """Give a record's text."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def decoded(text: str) -> Record:
    """Read a record back."""
    record: dict[str, Any] = json.loads(text)
    return record
