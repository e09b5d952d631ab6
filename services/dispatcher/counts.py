"""What the dispatcher counts, as Prometheus names it; all channels' own webhooks stand under one name."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from services.domain.subscriber import Subscriber

OWN = "own"


def _label(subscriber: Subscriber) -> str:
    return OWN if subscriber.is_own else subscriber.name


class Counts:
    """Counts since the start; they stand in `registry`."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._sent = Counter("streamkeep_events_sent", "Events taken by a sink.", ["sink"], registry=self.registry)
        self._buried = Counter(
            "streamkeep_events_given_up", "Events that became dead letters.", ["sink"], registry=self.registry
        )
        self._pruned = Counter(
            "streamkeep_dead_letters_forgotten", "Dead letters over the bound.", ["sink"], registry=self.registry
        )
        self._away = Gauge("streamkeep_sinks_away", "Sinks that do not answer.", ["sink"], registry=self.registry)
        self._streams = Gauge("streamkeep_outbox_streams", "Streams with events to send.", registry=self.registry)
        self._leads = Gauge("streamkeep_dispatcher_leads", "1 while this one sends.", registry=self.registry)
        self._seconds = Histogram(
            "streamkeep_event_seconds", "From the event to its being taken.", ["sink"], registry=self.registry,
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 86_400),
        )  # fmt: skip

    def sent(self, subscriber: Subscriber, seconds: float) -> None:
        """Count an event that was taken so many seconds after it happened."""
        self._sent.labels(_label(subscriber)).inc()
        self._seconds.labels(_label(subscriber)).observe(seconds)

    def buried(self, subscriber: Subscriber) -> None:
        """Count an event that was given up."""
        self._buried.labels(_label(subscriber)).inc()

    def pruned(self, subscriber: Subscriber, number: int) -> None:
        """Count letters that were forgotten since there are newer ones."""
        self._pruned.labels(_label(subscriber)).inc(number)

    def away(self, subscriber: Subscriber, *, is_away: bool) -> None:
        """Count a sink that goes or comes back."""
        self._away.labels(_label(subscriber)).inc(1 if is_away else -1)

    def streams(self, number: int) -> None:
        """Set how many streams have events to send."""
        self._streams.set(number)

    def leads(self, *, is_leading: bool) -> None:
        """Say whether this dispatcher sends or stands by."""
        self._leads.set(int(is_leading))
