"""When a session's next worker may be started after one that came to nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

_FIRST_DELAY = timedelta(0)  # a worker that dies once is replaced at once
_SECOND_DELAY = timedelta(seconds=0.5)
_LONGEST_DELAY = timedelta(seconds=30)


@dataclass(slots=True)
class Backoff:
    """One session's delays, each twice the one before."""

    not_before: datetime
    delay: timedelta = _FIRST_DELAY
    failures: int = 0

    def holds(self, now: datetime) -> bool:
        """Say whether it is too early; what lies ahead of every delay was noted before the clock was set back."""
        return now < self.not_before <= now + _LONGEST_DELAY

    def grow(self, now: datetime, *, is_spread: bool) -> None:
        """Note one more failure; one that `is_spread` waits up to half less, so that not all come back at once."""
        self.failures += 1
        self.not_before = now + self.delay * (random.uniform(0.5, 1) if is_spread else 1)  # noqa: S311 - no secret
        self.delay = min(max(self.delay * 2, _SECOND_DELAY), _LONGEST_DELAY)
