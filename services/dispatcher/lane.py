"""The lane: one stream's way to one sink, its events one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from services.dispatcher.backoff import delay
from services.dispatcher.delivery import Delivery
from services.dispatcher.outlet import Outlet
from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.event import Event

AT_ONCE = 100  # events, after which another lane of the sink has its turn


@dataclass(slots=True, kw_only=True)
class Lane:
    """Has brought all events up to `progress`; state knows of those up to `noted`.

    One thread at a time delivers; `ran_at` is when one last began.
    """

    stream: str
    outlet: Outlet
    progress: int
    noted: int
    noted_at: float = 0.0
    is_running: bool = False
    ran_at: float = 0.0
    _tries: int = 0
    _failed_at: float = 0.0
    _due: float = 0.0
    _head_at: datetime | None = None

    def is_due(self, delivery: Delivery) -> bool:
        """Say whether there is something to be tried now; while the sink is away, also something to be given up."""
        if self.is_running:
            return False
        if not self.outlet.circuit.would_let():
            return self._head_at is None or delivery.is_too_old(self._head_at)
        return time.monotonic() >= self._due or self.outlet.circuit.back_at > self._failed_at

    def deliver(self, delivery: Delivery) -> None:
        """Bring the next events, until one has to wait; blocks. Raise StateUnavailable."""
        for event in delivery.outbox.read(self.stream, self.progress, AT_ONCE):
            if not delivery.goes_on() or not self._is_done(event, delivery):
                self._head_at = event.at
                return
            self.progress = event.sequence
            self._tries, self._due = 0, 0.0
        self._head_at = None

    def _is_done(self, event: Event, delivery: Delivery) -> bool:
        """Say whether the stream may go on to the next event."""
        if not self.outlet.subscriber.wants(event.type):
            return True
        if not self.outlet.circuit.enter():
            if not delivery.is_too_old(event.at):
                return False
            delivery.bury(event, self.outlet, self.outlet.circuit.error, self._tries)
            return True
        self._tries += 1
        try:
            delivery.send(event, self.outlet)
        except SinkUnavailable as error:
            is_given_up, problem = delivery.is_too_old(event.at), str(error)
        except SinkRefused as error:
            is_given_up, problem = self._tries >= delivery.refused_tries, str(error)
        else:
            return True
        if is_given_up:
            delivery.bury(event, self.outlet, problem, self._tries)
            return True
        self._failed_at = time.monotonic()
        self._due = self._failed_at + delay(self._tries)
        return False
