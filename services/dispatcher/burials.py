"""The burials: how many events each sink was told in vain, so that its letters stay few and the log short."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from services.dispatcher.counts import Counts
from services.domain.outbox import LETTERS_MAX, DeadLetter, Outbox
from services.domain.subscriber import Subscriber

log = structlog.get_logger()

PRUNE_EVERY = 1_000  # letters of a sink
TELL_SECONDS = 60.0
SINKS_MAX = 10_000  # that are remembered


@dataclass(slots=True, kw_only=True)
class _Tally:
    """One sink's: letters since its old ones were last looked for, letters that the log has not told of yet."""

    unpruned: int | None = None  # what there was before this program began is not known
    untold: int = 0
    told_at: float | None = None
    error: str = ""


@dataclass(slots=True, kw_only=True)
class Burials:
    """Buries letters; safe in threads.

    Of a sink there are `letters_max`, and up to `prune_every` more: to look for the oldest is not cheap.
    """

    outbox: Outbox
    counts: Counts
    letters_max: int = LETTERS_MAX
    prune_every: int = PRUNE_EVERY
    now: Callable[[], float] = time.monotonic
    _tallies: dict[str, _Tally] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bury(self, letter: DeadLetter, subscriber: Subscriber) -> None:
        """Keep a letter, and now and then forget the sink's oldest; raise StateUnavailable."""
        self.outbox.bury(letter)
        self.counts.buried(subscriber)
        is_first, is_to_prune = self._noted(letter)
        if is_first:
            event = letter.event
            log.warning(
                "event_given_up",
                sink=letter.sink, event_id=event.id, type=event.type, tries=letter.tries, error=letter.error,
            )  # fmt: skip
        if is_to_prune:
            self._prune(letter.sink, subscriber)

    def _noted(self, letter: DeadLetter) -> tuple[bool, bool]:
        """Count a letter; say whether it is told of by itself, and whether it is time to prune."""
        with self._lock:
            tally = self._tallies.get(letter.sink)
            if tally is None:
                self._make_room()
                tally = self._tallies[letter.sink] = _Tally()
            is_to_prune = tally.unpruned is None or tally.unpruned + 1 >= self.prune_every
            tally.unpruned = 0 if is_to_prune else (tally.unpruned or 0) + 1
            is_first = tally.told_at is None
            if is_first:
                tally.told_at = self.now()
            else:
                tally.untold += 1
                tally.error = letter.error
            return is_first, is_to_prune

    def _make_room(self) -> None:
        if len(self._tallies) >= SINKS_MAX:
            del self._tallies[next(iter(self._tallies))]

    def _prune(self, sink: str, subscriber: Subscriber) -> None:
        count = self.outbox.prune(sink, self.letters_max)
        if count:
            self.counts.pruned(subscriber, count)
            log.warning("dead_letters_forgotten", sink=sink, count=count)

    def tell(self) -> None:
        """Log what was given up since, once a minute for each sink at most."""
        now = self.now()
        with self._lock:
            due = [(sink, tally) for sink, tally in self._tallies.items() if _is_due(tally, now)]
            for sink, tally in due:
                if tally.untold:
                    log.warning("events_given_up", sink=sink, count=tally.untold, error=tally.error)
                # A sink that had nothing for a minute is told of by its next event again.
                tally.told_at = now if tally.untold else None
                tally.untold = 0


def _is_due(tally: _Tally, now: float) -> bool:
    return tally.told_at is not None and now - tally.told_at >= TELL_SECONDS
