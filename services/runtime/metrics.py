"""What the services count: names by Prometheus' conventions, no label whose values grow without end."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
"""Of this process, alone: what a library counts elsewhere is not shown."""
ProcessCollector(registry=REGISTRY)  # memory, file descriptors, CPU

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def shown() -> bytes:
    """Give all of them as text."""
    return generate_latest(REGISTRY)


SHIPPED = Counter("streamkeep_files_shipped", "Files brought into the store.", ["output"], registry=REGISTRY)
SHIPPED_BYTES = Counter("streamkeep_shipped_bytes", "Bytes brought into the store.", ["output"], registry=REGISTRY)
DROPPED = Counter(
    "streamkeep_files_dropped", "Files given up: the spool was full, or they were.", ["output", "cause"],
    registry=REGISTRY,
)  # fmt: skip
SPOOL_BYTES = Gauge("streamkeep_spool_bytes", "Bytes that wait for the store.", ["output"], registry=REGISTRY)
SPOOL_FILES = Gauge("streamkeep_spool_files", "Files that wait for the store.", ["output"], registry=REGISTRY)
UPLOAD_SECONDS = Histogram(
    "streamkeep_upload_seconds", "How long the upload of a file took.", ["output"], registry=REGISTRY,
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)  # fmt: skip
FAILURES = Counter(
    "streamkeep_outside_failures", "Calls to the store or to state that failed.", ["what", "error"], registry=REGISTRY
)
AWAY = Gauge("streamkeep_outside_away", "1 while the store or state does not answer.", ["what"], registry=REGISTRY)
EVENTS = Counter("streamkeep_events", "Events brought into the outbox.", registry=REGISTRY)
EVENTS_WAITING = Gauge("streamkeep_events_waiting", "Events that wait for the outbox.", registry=REGISTRY)
EVENTS_DROPPED = Counter(
    "streamkeep_events_dropped", "Events given up: too many waited for the outbox.", registry=REGISTRY
)
PARTS = Counter("streamkeep_parts", "Parts begun.", registry=REGISTRY)
RESTARTS = Counter("streamkeep_ffmpeg_restarts", "Times ffmpeg was started again.", registry=REGISTRY)
DRIFT_SECONDS = Gauge(
    "streamkeep_media_drift_seconds", "How far the media's clock runs ahead of the wall clock.", registry=REGISTRY
)
UNCHANGED = Counter(
    "streamkeep_pictures_unchanged", "Pictures left out because they show what the one before shows.", registry=REGISTRY
)
PICTURES_LATE = Gauge(
    "streamkeep_pictures_late", "1 while a publisher is connected and pictures are long overdue.", registry=REGISTRY
)
IMAGE_SECONDS = Gauge(
    "streamkeep_image_interval_seconds", "From picture to picture: as asked for, and as achieved.", ["what"],
    registry=REGISTRY,
)  # fmt: skip
