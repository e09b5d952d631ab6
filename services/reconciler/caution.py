"""The safety stop: a sweep that would end most of what is on air does nothing of the kind, until that has lasted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.reconciler.actions import Action
from services.reconciler.sight import Sight

log = structlog.get_logger()

ENDS_MIN = 5
"""Fewer are never too many: one gateway's few channels may well all end at once."""
SWEEPS, SECONDS = 3, 30.0
"""What still looks the same after so many sweeps and so long is no slip of what was read: a true outage must heal."""


@dataclass(frozen=True, slots=True)
class _Alarm:
    """Since when, in how many sweeps, and what all of them wanted to end."""

    since: float
    sweeps: int
    wanted: frozenset[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Caution:
    """Judges a sweep's actions; not `is_on`, it lets all pass. `held` says how many the last sweep did not do."""

    is_on: bool = True
    held: int = 0
    _alarm: _Alarm | None = None

    def allowed(self, actions: Sequence[Action], sight: Sight) -> Sequence[Action]:
        """Give what may be done."""
        live = len(sight.standings.keys() | sight.by_session.keys())
        ending = {action.ends for action in actions if action.ends is not None}
        if not self.is_on or len(ending) < ENDS_MIN or 2 * len(ending) <= live:
            self._alarm, self.held = None, 0
            return actions
        wanted = frozenset((action.kind, action.subject) for action in actions if action.ends is not None)
        before = self._alarm or _Alarm(sight.at, 0, wanted)
        self._alarm = alarm = _Alarm(before.since, before.sweeps + 1, before.wanted & wanted)
        sure = alarm.wanted if alarm.sweeps >= SWEEPS and sight.at - alarm.since >= SECONDS else frozenset()
        allowed = [each for each in actions if each.ends is None or (each.kind, each.subject) in sure]
        self.held = len(actions) - len(allowed)
        log.error("safety_stop", would_end=len(ending), live=live, held=self.held, sweeps=alarm.sweeps)
        return allowed

    def forget(self) -> None:
        """Begin anew: what state said meanwhile is not known."""
        self._alarm = None
