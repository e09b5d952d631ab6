"""News of tasks: that something has happened to one, told by the platform; what, the next look says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How many messages told of a change, and how many could not be read."""

    changed: int = 0
    malformed: int = 0


class TaskNews(Protocol):
    """Where the platform tells of changes; a message may come twice, late, or never."""

    def wait(self) -> Heard:
        """Wait a while for messages and take them; raise PlatformUnavailable."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
