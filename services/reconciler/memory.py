"""What earlier sweeps saw: since when something has been so, and how often a session's worker was ordered in vain."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

GAP_SECONDS = 30.0
"""After so long without a sweep nothing is known of the time between, where sweeps are more frequent than that."""
FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
"""How long the next order for a session waits: nothing after the first, then twice as long each time."""
GOOD_RUN_SECONDS = 60.0
ASK_SECONDS = 30.0
"""How long an answer of the platform about one task stands: to ask for each in every sweep would cost calls."""


@dataclass(slots=True)
class Orders:
    """What was ordered for one session; `closing` counts the workers that were to finalise it."""

    count: int = 0
    closing: int = 0
    not_before: float = 0.0
    works_since: float | None = None


@dataclass(slots=True, kw_only=True)
class Memory:
    """Begins empty: what one reconciler knew the next one has to see for itself."""

    gap_seconds: float = GAP_SECONDS
    jitter: random.Random = field(default_factory=random.Random)
    orders: dict[str, Orders] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _again: dict[str, float] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _at: float | None = None
    _starts: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict)
    _met: dict[str, frozenset[str]] = field(default_factory=dict)

    def begin(self, at: float) -> None:
        """Begin a sweep at `at` (s): what the last one did not see again is forgotten."""
        is_gap = self._at is None or not 0 <= at - self._at <= self.gap_seconds
        self._since = {} if is_gap else self._again
        self._again, self._at = {}, at
        self._asked = {key: asked for key, asked in self._asked.items() if at < asked + ASK_SECONDS}

    def forget_sights(self) -> None:
        """Begin anew with all that has been so for a while: nobody could see whether it went on."""
        self._since, self._again, self._at = {}, {}, None

    def seconds(self, key: str) -> float:
        """Say for how long every sweep, this one included, has seen the same."""
        at = self._at or 0.0
        return at - self._again.setdefault(key, self._since.get(key, at))

    def may_ask(self, key: str) -> bool:
        """Say whether a question is due, and take it for asked."""
        is_due = key not in self._asked
        self._asked.setdefault(key, self._at or 0.0)
        return is_due

    def may_order(self, session_id: str) -> bool:
        """Say whether a worker may be ordered again by now."""
        orders = self.orders.get(session_id)
        return orders is None or (self._at or 0.0) >= orders.not_before

    def ordered(self, session_id: str, *, is_closing: bool) -> None:
        """Note an order, whatever came of it: should another be needed soon, that one waits."""
        orders, at = self.orders.setdefault(session_id, Orders()), self._at or 0.0
        longest = min(FIRST_SECONDS * 2**orders.count, LONGEST_SECONDS)
        orders.not_before = at + self.jitter.uniform(longest / 2, longest) if orders.count else at
        orders.count += 1
        orders.closing += is_closing
        orders.works_since = None

    def came(self, session_id: str) -> None:
        """Note that what was ordered has come: the next order need not wait."""
        self.orders.pop(session_id, None)

    def is_new(self, name: str, ids: Iterable[str]) -> bool:
        """Say whether one of these was not among those of the last time."""
        before, self._met[name] = self._met.get(name, frozenset()), frozenset(ids)
        return not self._met[name] <= before

    def starts(self, name: str, span: int, seen: Iterable[str]) -> int:
        """Count what was started of a kind in a span of time, with what is `seen` of it now: much may be over."""
        before, known = self._starts.get(name, (span, frozenset()))
        known = (known if before == span else frozenset()) | frozenset(seen)
        self._starts[name] = span, known
        return len(known)

    def spent(self, name: str, token: str) -> None:
        """Note that something was started in this span under a token that nobody has seen."""
        if name in self._starts:
            span, known = self._starts[name]
            self._starts[name] = span, known | {token}

    def works(self, session_id: str) -> None:
        """Note that a session has a worker; one that has worked for a while has its orders forgotten."""
        orders, at = self.orders.get(session_id), self._at or 0.0
        if orders is None:
            return
        if orders.works_since is None:
            orders.works_since = at
        elif at - orders.works_since >= GOOD_RUN_SECONDS:
            del self.orders[session_id]

    def keep_only(self, session_ids: Iterable[str]) -> None:
        """Drop what is kept about sessions that are over."""
        for session_id in self.orders.keys() - frozenset(session_ids):
            del self.orders[session_id]
