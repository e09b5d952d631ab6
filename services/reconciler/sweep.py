"""One sweep: look, decide, act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from services.domain.errors import LaunchFailed, OrderSpent, StateUnavailable
from services.reconciler import forgetting, publishers
from services.reconciler.acting import Acting
from services.reconciler.actions import Action, FreeLease, Launch, LaunchIdle
from services.reconciler.caution import Caution
from services.reconciler.counts import Counts
from services.reconciler.memory import Memory
from services.reconciler.sight import Observer, Sight
from services.reconciler.standing_by import POOL, StandingBy
from services.reconciler.workers import Workers

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Sweep:
    """Makes things agree, once; `hands` actions at a time, and none once `goes_on` says no. It blocks.

    `workers` and `standing_by` are None where no platform runs them: there their own machine's gateway sees to them,
    and to its publishers.
    """

    observer: Observer
    acting: Acting
    memory: Memory
    caution: Caution
    counts: Counts
    workers: Workers | None
    standing_by: StandingBy | None
    goes_on: Callable[[], bool]
    hands: int = 8

    def run(self) -> bool:
        """Sweep; say whether another is wanted soon. Raise StateUnavailable: then nothing is known of this time."""
        try:
            sight = self.observer.look()
            self.memory.begin(sight.at)
            actions = self.caution.allowed(_bounded(self.decided(sight)), sight)
            self.counts.saw(sight)
            self.counts.held(self.caution.held)
            return self._act(actions)
        except StateUnavailable:
            self.memory.forget_sights()
            self.caution.forget()
            self.counts.skipped()
            raise

    def decided(self, sight: Sight) -> Iterator[Action]:
        """Give what is to be done, what matters most first."""
        if self.workers is not None and self.standing_by is not None:
            kept = [POOL + zone for zone in self.standing_by.zones]
            self.memory.keep_only([*sight.standings, *kept])
            yield from publishers.decide(sight, self.memory)
            yield from self.workers.decide(sight, self.memory)
            yield from self.standing_by.decide(sight, self.memory)
        yield from forgetting.decide(sight)

    def _act(self, actions: Sequence[Action]) -> bool:
        """Do them all, side by side; what one could not do does not keep the others waiting, unless state is away."""
        if self.hands == 1:
            return sum(map(self._do, actions)) > 0
        if not actions:
            return False
        with ThreadPoolExecutor(self.hands, "acting") as hands:
            return sum(hands.map(self._do, actions)) > 0

    def _do(self, action: Action) -> bool:
        """Do one, and note it; say whether that allows more soon."""
        if not self.goes_on():
            return False
        fields = {"subject": action.subject, "reason": action.reason}
        try:
            is_done = self.acting.do(action)
        except LaunchFailed as error:
            self._ordered(action, is_done=False)
            if isinstance(action, LaunchIdle) and isinstance(error, OrderSpent):
                self.memory.spent(POOL + action.zone, action.token)
            self.counts.failed(action.kind)
            log.warning("action_failed", action=action.kind, **fields, error=str(error))
            return False
        if not is_done:
            return False
        self._ordered(action, is_done=True)
        self.counts.did(action.kind)
        log.info(action.kind, **fields)
        return isinstance(action, FreeLease)

    def _ordered(self, action: Action, *, is_done: bool) -> None:
        if isinstance(action, Launch):
            self.memory.ordered(action.session_id, is_closing=is_done and action.is_closing)
        elif isinstance(action, LaunchIdle):
            self.memory.ordered(POOL + action.zone, is_closing=False)


def _bounded(actions: Iterator[Action]) -> Sequence[Action]:
    """Leave to the next sweep what is too much for one."""
    numbers: Counter[str] = Counter()
    bounded = []
    for action in actions:
        numbers[action.kind] += 1
        if numbers[action.kind] <= action.most:
            bounded.append(action)
    for kind, number in numbers.items():
        if number > len([each for each in bounded if each.kind == kind]):
            log.warning("more_than_one_sweep_does", action=kind, number=number)
    return bounded
