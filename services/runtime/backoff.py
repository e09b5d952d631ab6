"""The pause before something that ended is tried again."""

from __future__ import annotations


class Backoff:
    """Pauses that double from `first` to `longest` seconds, and begin anew after a life of `settled` seconds."""

    def __init__(self, first: float, longest: float, settled: float) -> None:
        """Begin with the shortest pause."""
        self._first, self._longest, self._settled = first, longest, settled
        self._next = first

    def after(self, lived_seconds: float) -> float:
        """Give the pause in seconds after a life of `lived_seconds`."""
        if lived_seconds >= self._settled:
            self.begin_anew()
        pause = self._next
        self._next = min(2 * pause, self._longest)
        return pause

    def begin_anew(self) -> None:
        """Forget what failed: what is tried now is another thing."""
        self._next = self._first
