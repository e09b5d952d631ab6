"""The outlets that are open: the deployment's always, channels' own webhooks while there is something for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.dispatcher.counts import Counts
from services.dispatcher.outlet import Outlet
from services.domain.sink import Sink
from services.domain.subscriber import Subscriber

EACH_MOST = 8  # streams that one sink is told of at the same time
OWN_MOST = 32  # streams that all channels' own webhooks are told of at the same time
OWN_AWAY_MOST = 8  # of these, by webhooks that are away: they take long to fail
IDLE_SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class Outlets:
    """Opens, closes and shares out; one thread at a time opens and closes."""

    open_sink: Callable[[Subscriber], Sink]
    counts: Counts
    on_back: Callable[[], None]
    _open: dict[str, Outlet] = field(default_factory=dict)

    def of(self, subscriber: Subscriber) -> Outlet:
        """Give a subscriber's outlet, opened anew where its settings have changed."""
        outlet = self._open.get(subscriber.name)
        if outlet is None:
            sink = self.open_sink(subscriber)
            outlet = Outlet(subscriber=subscriber, sink=sink, counts=self.counts, on_back=self.on_back)
            self._open[subscriber.name] = outlet
        elif outlet.subscriber != subscriber:
            before, outlet.sink = outlet.sink, self.open_sink(subscriber)
            outlet.subscriber = subscriber
            outlet.circuit.hurry()
            before.close()
        outlet.used_at = time.monotonic()
        return outlet

    def has_room(self, outlet: Outlet) -> bool:
        """Say whether one more of its lanes may run; while the sink is away, one at a time."""
        if outlet.running >= (1 if outlet.circuit.is_open else EACH_MOST):
            return False
        if not outlet.subscriber.is_own:
            return True
        own = [each for each in list(self._open.values()) if each.subscriber.is_own]
        running = sum(each.running for each in own)
        away = sum(each.running for each in own if each.circuit.is_open)
        return running < OWN_MOST and not (outlet.circuit.is_open and away >= OWN_AWAY_MOST)

    def close_idle(self) -> None:
        """Close channels' webhooks for which there was nothing for a while."""
        before = time.monotonic() - IDLE_SECONDS
        for name, outlet in list(self._open.items()):
            if outlet.subscriber.is_own and not outlet.running and outlet.used_at < before:
                del self._open[name]
                if outlet.circuit.is_open:
                    self.counts.away(outlet.subscriber, is_away=False)
                outlet.sink.close()

    def close(self) -> None:
        """Close all."""
        for outlet in self._open.values():
            outlet.sink.close()
        self._open.clear()
