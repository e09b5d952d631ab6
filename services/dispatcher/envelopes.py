"""Makes what is sent of an event: its envelope, with links that begin to expire only now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.domain.clock import Clock
from services.domain.event import Event, envelope
from services.domain.links import SignedLinks
from services.domain.sink import body_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelopes:
    """Makes bodies; their links live for `life`."""

    links: SignedLinks
    life: timedelta
    clock: Clock

    def body(self, event: Event) -> bytes:
        """Give what is sent of an event."""
        return body_of(envelope(event, self.links.added(event.data, life=self.life, now=self.clock.now())))
