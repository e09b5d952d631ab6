"""What this gateway counts, as Prometheus names it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Counts:
    """Counters since the app's start; they stand in `registry`."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.registry = CollectorRegistry()
        self._accepted = self._counter("publishes_accepted", "Publishers let on air.")
        self._refused = self._counter("publishes_refused", "Publishers not let on air, by reason.", "reason")
        self._taken_over = self._counter("takeovers", "Publishers dropped for another, by their channel's policy.")
        self._dead_dropped = self._counter("dead_connections_dropped", "Silent publishers dropped for a returning one.")
        self._launched = self._counter("workers_launched", "Workers started.")
        self._lost = self._counter("workers_lost", "Workers that ended before their session.")
        self._hung = self._counter("workers_hung", "Workers killed because their lease stayed expired.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"streamkeep_{name}", text, labels, registry=self.registry)

    def accepted(self) -> None:
        """Count a publisher let on air."""
        self._accepted.inc()

    def refused(self, reason: str) -> None:
        """Count a refusal; `reason` is one of the documented codes."""
        self._refused.labels(reason).inc()

    def taken_over(self) -> None:
        """Count a takeover."""
        self._taken_over.inc()

    def dead_dropped(self) -> None:
        """Count a silent publisher dropped."""
        self._dead_dropped.inc()

    def launched(self) -> None:
        """Count a worker started."""
        self._launched.inc()

    def lost(self) -> None:
        """Count a worker that ended before its session."""
        self._lost.inc()

    def hung(self) -> None:
        """Count a worker killed for its expired lease."""
        self._hung.inc()
