"""The pause before a source is tried again."""

from __future__ import annotations

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 15.0
GOOD_RUN_SECONDS = 10.0


class Backoff:
    """Pauses that double from 0.5 s to 15 s, and begin anew after a run of 10 s."""

    def __init__(self) -> None:
        """Begin with the shortest pause."""
        self._next = FIRST_SECONDS

    def after(self, ran_seconds: float) -> float:
        """Give the pause in seconds after a run that brought media for `ran_seconds`."""
        if ran_seconds >= GOOD_RUN_SECONDS:
            self._next = FIRST_SECONDS
        pause = self._next
        self._next = min(2 * pause, LONGEST_SECONDS)
        return pause

    def begin_anew(self) -> None:
        """Forget what failed: there is another source."""
        self._next = FIRST_SECONDS
