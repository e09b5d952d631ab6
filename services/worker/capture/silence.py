"""How long a connected publisher has sent nothing that could be captured."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.session import Publisher

SILENT_SECONDS = 6.0
"""A publisher who brings no media for so long is said to be silent."""


@dataclass(slots=True)
class Silence:
    """Counts from when the publisher was first seen without media, by a clock that only goes forward (s)."""

    _publisher: Publisher | None = None
    _since: float = 0.0

    def left(self, publisher: Publisher | None, *, has_media: bool, now: float) -> float | None:
        """Give the seconds until the publisher counts as silent, None while there is none or its media arrives."""
        waiting = None if has_media else publisher
        if waiting is None or self._publisher is None or not _is_same(waiting, self._publisher):
            self._publisher, self._since = waiting, now
        return None if waiting is None else max(0.0, self._since + SILENT_SECONDS - now)


def _is_same(one: Publisher, other: Publisher) -> bool:
    return one.is_same_connection(other.gateway, other.client_id)
