"""Time that passes when the test says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.examples import NOW


@dataclass(slots=True)
class VirtualTime:
    """A clock of both kinds; it begins at NOW."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds
