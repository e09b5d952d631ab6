"""What this gateway counts, as Prometheus names it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_CALLBACK_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10)


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
        self._launch_failed = self._counter("launch_failures", "Orders of workers that came to nothing.")
        self._lost = self._counter("workers_lost", "Workers that ended before their session.")
        self._hung = self._counter("workers_hung", "Workers killed because their lease stayed expired.")
        self._publishers = Gauge("streamkeep_publishers", "Publishers connected now.", registry=self.registry)
        self._received = self._counter("received_bytes", "Bytes that publishers sent.")
        self._callbacks = Histogram(
            "streamkeep_callback_seconds",
            "How long publishers waited for an answer, the wait for their worker included.",
            buckets=_CALLBACK_BUCKETS,
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"streamkeep_{name}", text, labels, registry=self.registry)

    def connected(self, publishers: int, received: int) -> None:
        """Note how many are connected, and count what they have sent since the last time (bytes)."""
        self._publishers.set(publishers)
        self._received.inc(received)

    def answered(self, seconds: float) -> None:
        """Count an answer to a publisher, which took so long."""
        self._callbacks.observe(seconds)

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

    def launch_failed(self) -> None:
        """Count an order of a worker that came to nothing."""
        self._launch_failed.inc()

    def lost(self) -> None:
        """Count a worker that ended before its session."""
        self._lost.inc()

    def hung(self) -> None:
        """Count a worker killed for its expired lease."""
        self._hung.inc()
