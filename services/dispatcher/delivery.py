"""The delivery of one event: sent, or buried as a dead letter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.dispatcher.audience import Audiences
from services.dispatcher.burials import Burials
from services.dispatcher.counts import Counts
from services.dispatcher.envelopes import Envelopes
from services.dispatcher.outlet import Outlet
from services.domain.clock import Clock
from services.domain.event import Event
from services.domain.outbox import DeadLetter, Outbox

_ID_DIGITS = 32


def letter_id(sink: str, event: Event) -> str:
    """Give the id of the letter that an event becomes for a sink: the same each time it is given up."""
    return hashlib.sha256(f"{sink}\n{event.id}".encode()).hexdigest()[:_ID_DIGITS]


@dataclass(slots=True, kw_only=True)
class Delivery:
    """What every lane uses; safe in threads.

    An event that no try brings to its sink is given up `give_up_after` its happening, a refused one after
    `refused_tries`. `goes_on` says whether this dispatcher may still send.
    """

    outbox: Outbox
    audiences: Audiences
    envelopes: Envelopes
    clock: Clock
    counts: Counts
    burials: Burials
    give_up_after: timedelta
    refused_tries: int
    goes_on: Callable[[], bool]

    def is_too_old(self, at: datetime) -> bool:
        """Say whether an event of that time is given up once a try fails."""
        return self.clock.now() - at >= self.give_up_after

    def send(self, event: Event, outlet: Outlet) -> None:
        """Offer an event that the outlet's circuit has let through; raise SinkUnavailable or SinkRefused."""
        outlet.offer(event, self.envelopes.body(event))
        self.counts.sent(outlet.subscriber, max(0.0, (self.clock.now() - event.at).total_seconds()))

    def bury(self, event: Event, outlet: Outlet, error: str, tries: int) -> None:
        """Make an event a dead letter; raise StateUnavailable."""
        letter = DeadLetter(
            id=letter_id(outlet.name, event),
            sink=outlet.name,
            event=event,
            error=error,
            tries=tries,
            at=self.clock.now(),
        )
        self.burials.bury(letter, outlet.subscriber)
