"""What services tell CloudWatch is what the templates read of them: no alarm waits in vain, none is paid for nought."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry

from services.deploy import footprint, idle_month, prices
from services.gateway.counts import Counts as GatewayCounts
from services.reconciler.counts import Counts as ReconcilerCounts
from services.runtime import metrics
from services.runtime.emf import NAMESPACE, Emf
from services.runtime.watched import WATCHED
from tests.aws.templates import NAMES, Expression, template


def read_by_the_templates() -> set[str]:
    """Give the names of our metrics that any resource reads."""
    return {
        name
        for each in NAMES
        for kind in {resource["Type"] for resource in template(each).resources.values()}
        for properties in template(each).of(kind).values()
        for name in (*_named(properties), *_shown(properties))
    }


def _named(value: Expression) -> Iterator[str]:
    """Give what an alarm or a policy names."""
    if isinstance(value, Mapping):
        if value.get("Namespace") == NAMESPACE:
            yield value["MetricName"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _named(each)


def _shown(properties: Mapping[str, Any]) -> Iterator[str]:
    """Give what a dashboard shows; `.` there is what stood in its place in the line before, `...` all of it."""
    for widget in json.loads(properties.get("DashboardBody", '{"widgets": []}'))["widgets"]:
        before: list[str] = []
        for line in widget["properties"]["metrics"]:
            if line[0] == "...":
                continue
            before = [before[place] if each == "." else each for place, each in enumerate(line[:2])]
            if before[0] == NAMESPACE:
                yield before[1]


def told(*registries: CollectorRegistry) -> set[str]:
    """Give the names of what services with these registries tell."""
    stream = io.StringIO()
    Emf(stack="keep", registries=registries, stream=stream).write()
    (directive,) = json.loads(stream.getvalue())["_aws"]["CloudWatchMetrics"]
    return {each["Name"] for each in directive["Metrics"]}


def test_what_is_watched_is_what_the_templates_read() -> None:
    assert read_by_the_templates() == WATCHED


def test_services_tell_all_that_is_watched() -> None:
    gateway = GatewayCounts()
    gateway.answered(1)

    assert told(gateway.registry, ReconcilerCounts().registry, metrics.REGISTRY) == WATCHED


def test_an_idle_month_pays_for_all_that_services_tell() -> None:
    (line,) = (each for each in idle_month.lines(footprint.DEFAULTS) if each.what == "CloudWatch")

    assert line.dollars == len(WATCHED) * prices.METRIC.dollars + idle_month.ALARMS * prices.ALARM.dollars
    assert line.how.startswith(f"{len(WATCHED)} metrics")
