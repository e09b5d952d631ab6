"""Several texts of figures for Prometheus, made one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)  # the registry keeps it by its identity
class _Merged(Collector):
    """Families of several texts: each once, with the samples of all."""

    families: Mapping[str, Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families.values()


def merged(texts: Sequence[tuple[Mapping[str, str], str]]) -> bytes:
    """Make one text of several, the samples of each with its labels; one that cannot be read is left out."""
    families: dict[str, Metric] = {}
    for labels, text in texts:
        try:
            found = list(_labelled(labels, text))
        except ValueError as error:
            log.warning("metrics_not_read", **labels, error=str(error))
            continue
        for family in found:
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type)).samples.extend(
                family.samples
            )
    registry = CollectorRegistry()
    registry.register(_Merged(families))
    return generate_latest(registry)


def _labelled(labels: Mapping[str, str], text: str) -> Iterator[Metric]:
    for family in text_string_to_metric_families(text):
        family.samples = [sample._replace(labels={**sample.labels, **labels}) for sample in family.samples]
        yield family
