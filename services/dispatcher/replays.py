"""Replays: dead letters that somebody wants to be offered once more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from services.dispatcher.delivery import Delivery
from services.dispatcher.outlet import Outlet
from services.dispatcher.outlets import Outlets
from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.outbox import DeadLetter

log = structlog.get_logger()

AT_ONCE = 500  # letters of one round


@dataclass(slots=True, kw_only=True)
class Replays:
    """Offers letters, oldest events first; one whose sink is away waits until it is back."""

    delivery: Delivery
    outlets: Outlets

    def round(self) -> None:
        """Offer what there is; blocks. Raise StateUnavailable."""
        letters = self.delivery.outbox.letters(AT_ONCE, replaying=True)
        for letter in sorted(letters, key=lambda each: (each.event.stream, each.event.sequence)):
            if not self.delivery.goes_on():
                return
            outlet = self._outlet_of(letter)
            if outlet is None:
                self._keep(letter, "there is no sink of this name any more", tries=letter.tries)
            else:
                self._offer(letter, outlet)

    def _outlet_of(self, letter: DeadLetter) -> Outlet | None:
        audience = self.delivery.audiences
        known = (*audience.of(letter.event.channel_id), *audience.deployment)
        return next((self.outlets.of(each) for each in known if each.name == letter.sink), None)

    def _offer(self, letter: DeadLetter, outlet: Outlet) -> None:
        if not outlet.circuit.enter():
            return
        try:
            self.delivery.send(letter.event, outlet)
        except (SinkUnavailable, SinkRefused) as error:
            self._keep(letter, str(error), tries=letter.tries + 1)
        else:
            self.delivery.outbox.unbury(letter.id)
            log.info("letter_replayed", sink=letter.sink, event_id=letter.event.id)

    def _keep(self, letter: DeadLetter, error: str, *, tries: int) -> None:
        now = self.delivery.clock.now()
        self.delivery.outbox.bury(replace(letter, replaying=False, error=error, tries=tries, at=now))
