"""The circuit of one sink: open while the sink is away, when one probe at a time goes through."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from services.dispatcher.backoff import delay

OPENS_AFTER = 3  # failures in a row: one event that a receiver chokes on shall not stop all others


@dataclass(slots=True)
class Circuit:
    """Says who may send; safe in threads. `error` is what was last wrong, `back_at` when it was last well again."""

    error: str = ""
    back_at: float = 0.0
    _failures: int = 0
    _away_since: float | None = None
    _due: float = 0.0
    _is_probed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_open(self) -> bool:
        """Whether the sink is away."""
        return self._away_since is not None

    def would_let(self) -> bool:
        """Say whether somebody would be let through now."""
        return self._away_since is None or (not self._is_probed and time.monotonic() >= self._due)

    def enter(self) -> bool:
        """Let through, or not; who is let through reports `answered` or `failed`."""
        with self._lock:
            if not self.would_let():
                return False
            self._is_probed = self.is_open
            return True

    def answered(self) -> float | None:
        """Hear that the sink answered; give for how many seconds it was away, if it was."""
        with self._lock:
            since, self._away_since = self._away_since, None
            self._failures, self._is_probed = 0, False
            if since is None:
                return None
            self.back_at = time.monotonic()
            return self.back_at - since

    def hurry(self) -> None:
        """Let the next through at once, since the sink's settings have changed; who is under way is heard no more."""
        with self._lock:
            self._is_probed, self._due = False, 0.0

    def failed(self, error: str, retry_after: float | None = None) -> bool:
        """Hear that the sink is away, which may want to be left alone for so many seconds; say whether that is news."""
        with self._lock:
            now = time.monotonic()
            self.error = error
            if self.is_open and not self._is_probed:
                return False  # it was under way when others failed
            self._failures += 1
            self._is_probed = False
            self._due = now + max(delay(self._failures), retry_after or 0.0)
            if self.is_open or (self._failures < OPENS_AFTER and retry_after is None):
                return False
            self._away_since = now
            return True
