"""Figures in CloudWatch's embedded metric format."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.runtime.emf import Emf


class World:
    def __init__(self) -> None:
        self.registry, self.stream = CollectorRegistry(), io.StringIO()
        self.emf = Emf(stack="live", registries=[self.registry], stream=self.stream)

    def lines(self) -> list[dict[str, Any]]:
        self.stream.seek(0)
        self.stream.truncate()
        self.emf.write()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def line(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


@pytest.fixture
def world() -> World:
    return World()


def test_a_line_is_of_the_form_that_cloudwatch_reads(world: World) -> None:
    Gauge("streamkeep_spool_bytes", "…", ["output"], registry=world.registry).labels("hls").set(7)

    line = world.line()

    assert line["SpoolBytes"] == 7
    assert line["Stack"] == "live"
    assert line["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "streamkeep",
            "Dimensions": [["Stack"]],
            "Metrics": [{"Name": "SpoolBytes", "Unit": "Bytes"}],
        }
    ]
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_labels_are_summed_and_never_become_dimensions(world: World) -> None:
    gauge = Gauge("streamkeep_spool_bytes", "…", ["output"], registry=world.registry)
    gauge.labels("hls").set(7)
    gauge.labels("recordings").set(5)

    assert world.line()["SpoolBytes"] == 12
    assert "hls" not in json.dumps(world.line())


def test_a_counter_tells_what_came_since_the_last_line(world: World) -> None:
    counter = Counter("streamkeep_launch_failures", "…", registry=world.registry)
    counter.inc(3)
    assert world.line()["LaunchFailures"] == 3

    assert world.line()["LaunchFailures"] == 0
    counter.inc()
    assert world.line()["LaunchFailures"] == 1


def test_a_histogram_tells_what_ninety_nine_of_a_hundred_were_at_most(world: World) -> None:
    seconds = Histogram("streamkeep_callback_seconds", "…", buckets=(0.1, 0.5, 1), registry=world.registry)
    for _ in range(100):
        seconds.observe(0.05)
    assert world.line()["CallbackSeconds"] == 0.1

    for value in (*[0.05] * 90, *[0.4] * 10):
        seconds.observe(value)
    assert world.line()["CallbackSeconds"] == 0.5


def test_a_histogram_to_which_nothing_came_is_not_told(world: World) -> None:
    seconds = Histogram("streamkeep_callback_seconds", "…", buckets=(0.1, 0.5), registry=world.registry)
    Gauge("streamkeep_spool_bytes", "…", registry=world.registry).set(1)
    seconds.observe(9)
    assert world.line()["CallbackSeconds"] == 0.5

    assert "CallbackSeconds" not in world.line()


def test_what_a_library_counts_for_itself_is_left_out(world: World) -> None:
    Gauge("process_open_fds", "…", registry=world.registry).set(9)
    Gauge("spool_bytes", "…", registry=world.registry).set(9)

    assert world.lines() == []


def test_what_nothing_in_the_stack_reads_is_not_told_since_it_would_be_paid(world: World) -> None:
    Gauge("streamkeep_reconciler_leads", "…", registry=world.registry).set(1)
    assert world.lines() == []

    Gauge("streamkeep_orphan_tasks", "…", registry=world.registry).set(2)
    assert [each["Name"] for each in world.line()["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == ["OrphanTasks"]


def test_the_end_of_the_process_tells_what_was_not_told_yet(world: World) -> None:
    counter = Counter("streamkeep_launch_failures", "…", registry=world.registry)

    async def run() -> None:
        task = asyncio.create_task(world.emf.run())
        await asyncio.sleep(0)
        counter.inc(2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())

    assert json.loads(world.stream.getvalue())["LaunchFailures"] == 2
