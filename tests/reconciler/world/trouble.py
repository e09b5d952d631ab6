"""What goes wrong: who is cut off from state, what the platform refuses, and when the reconciler dies."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from services.domain.errors import LaunchFailed, StateUnavailable


class Crash(BaseException):
    """The reconciler's process is killed here."""


@dataclass(slots=True)
class Trouble:
    """All faults that hold at a moment; chances are of 1."""

    chance: random.Random
    cut_off: set[str] = field(default_factory=set)  # actors, or "all"
    platform_away: bool = False
    refused: float = 0.0  # launches, for whatever reason
    launches_unheard: float = 0.0  # the task starts, and the answer is lost
    listed_late: float = 0.0  # seconds until a new task is listed
    events_lost: float = 0.0
    events_twice: float = 0.0
    never_starts: float = 0.0
    crash_after: int | None = None  # calls of the reconciler

    def gate(self, actor: str) -> Callable[[str], None]:
        """Give what stands before each call to state of one actor."""

        def ask(_call: str) -> None:
            if actor.startswith("reconciler"):
                self.crash_perhaps()
            if self.cut_off and ("all" in self.cut_off or actor in self.cut_off):
                raise StateUnavailable

        return ask

    def crash_perhaps(self) -> None:
        if self.crash_after is None:
            return
        self.crash_after -= 1
        if self.crash_after <= 0:
            self.crash_after = None
            raise Crash

    def ask_platform(self) -> None:
        if self.platform_away:
            raise LaunchFailed("the platform does not answer")

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.chance.random() < chance

    def end(self) -> None:
        """Let all be well from now on."""
        self.cut_off.clear()
        self.refused = self.launches_unheard = self.events_lost = self.events_twice = 0.0
        self.listed_late = self.never_starts = 0.0
        self.platform_away, self.crash_after = False, None
