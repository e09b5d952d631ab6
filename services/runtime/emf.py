"""Figures as CloudWatch reads them out of a log: the embedded metric format, a line a minute.

The format: "Specification: Embedded metric format" in Amazon CloudWatch's user guide. No channel and no session is ever
a dimension: each combination of dimensions is a metric of its own, and paid for.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Metric

from services.runtime.beat import until_beat
from services.runtime.watched import WATCHED

EVERY_SECONDS = 60.0
PERCENTILE = 0.99
NAMESPACE = "streamkeep"
_PREFIX = f"{NAMESPACE}_"
_UNITS = {"bytes": "Bytes", "seconds": "Seconds"}


def _name(family: str) -> str:
    """Give a family's name as CloudWatch's are: SpoolBytes for streamkeep_spool_bytes."""
    return "".join(word.capitalize() for word in family.removeprefix(_PREFIX).split("_"))


def _unit(family: str) -> str:
    return _UNITS.get(family.rpartition("_")[2], "Count")


@dataclass(slots=True, kw_only=True)
class Emf:
    """What one process counts of what is WATCHED; the only dimension is `stack`, the deployment.

    Of a counter each line tells what came since the last one, of a gauge what is now, each summed over its labels; of a
    histogram the value that 99 of 100 since the last line were at most (its bucket's upper end).
    """

    stack: str
    registries: Sequence[CollectorRegistry]
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _before: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Write a line a minute until cancelled, and a last one then."""
        try:
            while True:
                await asyncio.sleep(until_beat(EVERY_SECONDS))
                self.write()
        finally:
            self.write()

    def write(self) -> None:
        """Write what there is to tell now."""
        told = dict(sorted(self._values()))
        if told:
            print(json.dumps(self._line(told), separators=(",", ":")), file=self.stream, flush=True)

    def _line(self, told: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
        metrics = [{"Name": name, "Unit": unit} for name, (_, unit) in told.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": metrics}
        return {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
            "Stack": self.stack,
            **{name: value for name, (value, _) in told.items()},
        }

    def _values(self) -> Iterator[tuple[str, tuple[float, str]]]:
        for registry in self.registries:
            for family in registry.collect():
                is_ours = family.name.startswith(_PREFIX)
                if not is_ours or (name := _name(family.name)) not in WATCHED:
                    continue
                value = self._value(family)
                if value is not None:
                    yield name, (round(value, 6), _unit(family.name))

    def _value(self, family: Metric) -> float | None:
        if family.type == "gauge":
            return sum(sample.value for sample in family.samples)
        if family.type == "counter":
            total = sum(sample.value for sample in family.samples if sample.name.endswith("_total"))
            return self._since(family.name, total)
        if family.type == "histogram":
            return self._percentile(family)
        return None

    def _since(self, name: str, total: float) -> float:
        before, self._before[name] = self._before.get(name, 0.0), total
        return total - before

    def _percentile(self, family: Metric) -> float | None:
        """Give the upper end of the bucket that the percentile lies in, None where nothing came."""
        reach: dict[float, float] = {}
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                end = float(sample.labels["le"])
                reach[end] = reach.get(end, 0.0) + sample.value
        since = {end: self._since(f"{family.name} {end}", reach[end]) for end in sorted(reach)}
        ends = list(since)
        if not ends or not since[ends[-1]]:
            return None
        wanted = since[ends[-1]] * PERCENTILE
        found = next(end for end in ends if since[end] >= wanted)
        return found if found != float("inf") else ends[-2]


@asynccontextmanager
async def told(stack: str, *registries: CollectorRegistry) -> AsyncIterator[None]:
    """Tell CloudWatch of what these count while the block runs; nothing without a deployment's name."""
    if not stack:
        yield
        return
    task = asyncio.create_task(Emf(stack=stack, registries=registries).run(), name="figures")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
