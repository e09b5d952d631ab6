"""A wait that may go on for ever as long as something comes."""

from __future__ import annotations

from dataclasses import dataclass

from services.adapters.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Quiet(Deadline):
    """Never over; no single wait lasts longer than `at` seconds."""

    @property
    def left(self) -> float:
        """Give how long a wait may last."""
        return self.at
