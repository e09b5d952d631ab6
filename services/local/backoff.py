"""The pause before a program is started again."""

from __future__ import annotations

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 5.0
SETTLED_SECONDS = 30.0


class Backoff:
    """Pauses that double from 0.2 s to 5 s, and begin anew after a life of 30 s."""

    def __init__(self) -> None:
        """Begin with the shortest pause."""
        self._next = FIRST_SECONDS

    def after(self, lived_seconds: float) -> float:
        """Give the pause in seconds after a life of `lived_seconds`."""
        if lived_seconds >= SETTLED_SECONDS:
            self._next = FIRST_SECONDS
        pause = self._next
        self._next = min(2 * pause, LONGEST_SECONDS)
        return pause
