"""An outbox that is away when a test says so; what it keeps lies in a real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from services.domain.errors import StateUnavailable
from services.domain.event import Event
from services.domain.outbox import Outbox


class FaultyOutbox:
    """Passes on what a worker asks of an outbox, unless it `is_away`; with `loses_answers` it appends, and says no."""

    def __init__(self, inner: Outbox, step: Callable[[], None] = lambda: None) -> None:
        self.is_away = threading.Event()
        self.loses_answers = threading.Event()
        self.asked = 0
        self._inner = inner
        self._step = step

    def append(self, events: Sequence[Event]) -> None:
        self._answer()
        self._step()
        self._inner.append(events)
        self._step()
        if self.loses_answers.is_set():
            raise StateUnavailable("the answer was lost")

    def last(self, stream: str) -> int:
        self._answer()
        return self._inner.last(stream)

    def read(self, stream: str, after: int, limit: int) -> Sequence[Event]:
        self._answer()
        return self._inner.read(stream, after, limit)

    def _answer(self) -> None:
        self.asked += 1
        if self.is_away.is_set():
            raise StateUnavailable("away")
