"""What the callback app logs, kept so that a test can wait for an event."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog

from tests.waiting import eventually

Event = MutableMapping[str, Any]


class Journal:
    """Every event of structlog, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, _logger: object, level: str, event: Event) -> Event:
        """Take an event, as structlog's last processor."""
        self.events.append({**event, "level": level})
        raise structlog.DropEvent

    def all(self, name: str, **fields: object) -> list[Event]:
        """Give the events of this name and with these fields."""
        wanted = {"event": name, **fields}
        return [event for event in list(self.events) if wanted.items() <= event.items()]

    def expect(self, name: str, *, within: float = 10.0, **fields: object) -> Event:
        """Wait for such an event and give the first."""
        found = eventually(
            lambda: self.all(name, **fields), within=within, what=f"{name} {fields} in {self.events[-20:]}"
        )
        return found[0]
