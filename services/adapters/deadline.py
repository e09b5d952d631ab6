"""A moment by which a whole piece of work is over, however many waits it is made of."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on CLOCK_MONOTONIC, which all processes of one machine share."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Give the moment so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Give the seconds until then, 0 once it is over."""
        return max(0.0, self.at - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Say whether the moment has passed."""
        return self.left <= 0

    def within(self, seconds: float) -> Deadline:
        """Give the earlier of this moment and the one so many seconds from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))
