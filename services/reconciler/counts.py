"""What the reconciler counts, as Prometheus names it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from services.reconciler.actions import Launch, LaunchIdle
from services.reconciler.sight import Sight

LAUNCHES = (Launch.kind, LaunchIdle.kind)


class Counts:
    """Counts since the start; they stand in `registry`."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._leads = self._gauge("reconciler_leads", "1 while this one sweeps.")
        self._sessions = self._gauge("live_channels", "Open sessions, as the last sweep saw them.")
        self._unled = self._gauge("sessions_without_worker", "Open sessions without a valid lease.")
        self._tasks = self._gauge("worker_tasks", "Tasks of workers, as the last sweep saw them.")
        self._orphans = self._gauge("orphan_tasks", "Tasks whose session is not open any more.")
        self._idle = self._gauge("idle_workers", "Workers of the warm pool that nobody has claimed.")
        self._held = self._gauge("safety_stop_held", "Actions that the safety stop holds back.")
        self._safety = self._counter("safety_stops", "Sweeps that would have ended most of what is on air.")
        self._sweeps = self._counter("sweeps", "Sweeps that came to their end.")
        self._launched = self._counter("workers_launched", "Workers started.")
        self._not_launched = self._counter("launch_failures", "Workers that could not be started.")
        self._actions = self._counter("reconciler_actions", "What was done.", "kind")
        self._failures = self._counter("reconciler_failures", "What could not be done.", "kind")
        self._skipped = self._counter("reconciler_sweeps_skipped", "Sweeps that found state away.")
        self._events = self._counter("task_events", "Messages of the queue of task events.", "kind")
        self._seconds = Histogram(
            "streamkeep_reconciler_sweep_seconds", "How long a sweep took.", registry=self.registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )  # fmt: skip

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"streamkeep_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"streamkeep_{name}", text, registry=self.registry)

    def leads(self, *, is_leading: bool) -> None:
        """Say whether this reconciler sweeps or stands by."""
        self._leads.set(int(is_leading))

    def saw(self, sight: Sight) -> None:
        """Set what a sweep saw."""
        leases = [each.lease for each in sight.standings.values()]
        over = sight.by_session.keys() - sight.standings.keys()
        self._sessions.set(len(leases))
        self._unled.set(sum(lease is None or not lease.is_valid(sight.now) for lease in leases))
        self._tasks.set(len(sight.tasks or ()))
        self._orphans.set(sum(len(sight.by_session[session_id]) for session_id in over))
        self._idle.set(len(sight.idle))

    def held(self, number: int) -> None:
        """Set how many actions the safety stop held back, and count it if it did."""
        self._held.set(number)
        if number:
            self._safety.inc()

    def did(self, kind: str) -> None:
        """Count an action."""
        self._actions.labels(kind).inc()
        if kind in LAUNCHES:
            self._launched.inc()

    def failed(self, kind: str) -> None:
        """Count an action that could not be done."""
        self._failures.labels(kind).inc()
        if kind in LAUNCHES:
            self._not_launched.inc()

    def skipped(self) -> None:
        """Count a sweep that found state away."""
        self._skipped.inc()

    def swept(self, seconds: float) -> None:
        """Count a sweep."""
        self._sweeps.inc()
        self._seconds.observe(seconds)

    def heard(self, kind: str, number: int) -> None:
        """Count messages of the queue: `changed`, or `malformed`."""
        self._events.labels(kind).inc(number)
