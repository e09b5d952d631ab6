"""What a journal remembers of announcements whether or not they still wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

IDS_MAX = 512
"""So many ids are known again. A worker that was killed had noted all but the one it was at; what its successor finds
out again are the gaps of the last seconds."""


class Newest(NamedTuple):
    """The newest announcement of a type: its number and its time."""

    number: int
    at: str


class Remembered:
    """The last ids, and of each type the newest announcement."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.newest: dict[str, Newest] = {}
        self._ids: set[str] = set()
        self._order: deque[str] = deque()

    def __contains__(self, announcement_id: str) -> bool:
        """Say whether an id is known."""
        return announcement_id in self._ids

    def add(self, announcement_id: str, kind: str, number: int, at: str) -> None:
        """Remember one."""
        if announcement_id in self._ids:
            return
        self.newest[kind] = Newest(number, at)
        self._ids.add(announcement_id)
        self._order.append(announcement_id)
        if len(self._order) > IDS_MAX:
            self._ids.discard(self._order.popleft())

    def record(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {"ids": list(self._order), "newest": self.newest}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read it back."""
        found = cls()
        found._order = deque(record["ids"])
        found._ids = set(record["ids"])
        found.newest = {kind: Newest(*newest) for kind, newest in record["newest"].items()}
        return found
