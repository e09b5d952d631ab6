"""Paces calls to a service that allows so many at once and so many a second."""

from __future__ import annotations

import threading
import time


class TokenBucket:
    """A bucket of `capacity` tokens into which `per_second` drop; safe among threads.

    A token is promised before it is there, in the order in which it is asked for: nobody is overtaken.
    """

    def __init__(self, capacity: float, per_second: float) -> None:
        """Begin full."""
        self._capacity, self._per_second = capacity, per_second
        self._left, self._at = capacity, time.monotonic()
        self._lock = threading.Lock()

    def take(self, within: float) -> bool:
        """Wait for a token; False, at once, if that would take longer than `within` seconds."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._capacity, self._left + (now - self._at) * self._per_second)
            self._at = now
            wait = max(0.0, (1 - self._left) / self._per_second)
            if wait > within:
                return False
            self._left -= 1
        if wait > 0:
            time.sleep(wait)
        return True
