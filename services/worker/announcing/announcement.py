"""An announcement: an event that has no number yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.domain import times
from services.domain.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What happened, as `domain.event.Event` says it."""

    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]

    def line(self, number: int) -> bytes:
        """Give its line in the journal."""
        record = {"n": number, "id": self.id, "type": self.type, "at": times.text(self.at), "data": dict(self.data)}
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Announcement:
        """Read its line back."""
        record = json.loads(line)
        return cls(id=record["id"], type=record["type"], at=times.parse(record["at"]), data=record["data"])

    def event(self, channel_id: str, session_id: str, sequence: int) -> Event:
        """Give the event under its number."""
        return Event(
            id=self.id,
            type=self.type,
            channel_id=channel_id,
            session_id=session_id,
            sequence=sequence,
            at=self.at,
            data=self.data,
        )
