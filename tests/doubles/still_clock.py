"""A clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StillClock:
    at: datetime

    def now(self) -> datetime:
        return self.at
