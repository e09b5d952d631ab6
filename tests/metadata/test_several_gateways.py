"""The API beside several gateways: which of them is told, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from services.domain.clock import SystemClock
from services.domain.gateways import DEAD_AFTER, Connection, Gateway
from tests.metadata.callback_double import CallbackDouble, callback_double
from tests.metadata.running import Running, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """The service with two gateways that say that they are up; `named` is the one that its settings name."""

    service: Running
    one: CallbackDouble
    two: CallbackDouble
    named: CallbackDouble

    def beat(self, name: str, app: CallbackDouble, *channels: str, ago: timedelta = timedelta(0)) -> None:
        """Write a gateway's row with publishers of these channels."""
        connections = tuple(Connection(channel_id=channel, client_id="1") for channel in channels)
        self.service.state.gateways.put(
            Gateway(
                name=name,
                seen_at=SystemClock().now() - ago,
                pull_url="rtmp://127.0.0.1:1935/stream",
                control_url=app.url,
                connections=connections,
            )
        )

    def new_channel(self) -> str:
        return str(self.service.create()["id"])

    def told_of(self, channel_id: str) -> list[int]:
        return [app.refreshed.count(channel_id) for app in (self.one, self.two, self.named)]

    def block(self, channel_id: str) -> None:
        self.service.client.post(f"/channels/{channel_id}/stop", json={})


@pytest.fixture
def several(tmp_path: Path) -> Iterator[Several]:
    with ExitStack() as stack:
        one, two, named = (stack.enter_context(callback_double()) for _ in range(3))
        service = stack.enter_context(running(tmp_path, named))
        yield Several(service=service, one=one, two=two, named=named)


def test_the_gateway_of_the_channels_publisher_is_told_of_a_change_and_no_other(several: Several) -> None:
    channel_id = several.new_channel()
    several.beat("a/1", several.one, "another")
    several.beat("b/1", several.two, "another", channel_id)

    several.block(channel_id)

    assert several.told_of(channel_id) == [0, 1, 0]


def test_all_live_gateways_are_told_of_a_channel_without_a_publisher(several: Several) -> None:
    channel_id = several.new_channel()
    several.beat("a/1", several.one)
    several.beat("b/1", several.two)

    several.block(channel_id)

    assert several.told_of(channel_id) == [1, 1, 0]


def test_a_dead_gateway_is_not_asked(several: Several) -> None:
    channel_id = several.new_channel()
    several.beat("a/1", several.one)
    several.beat("b/1", several.two, channel_id, ago=DEAD_AFTER)

    several.block(channel_id)

    assert several.told_of(channel_id) == [1, 0, 0]


def test_where_no_gateway_has_a_row_the_one_of_the_settings_is_told(several: Several) -> None:
    channel_id = several.new_channel()
    several.beat("b/1", several.two, channel_id, ago=DEAD_AFTER)

    several.block(channel_id)

    assert several.told_of(channel_id) == [0, 0, 1]


def test_the_service_is_ready_while_one_gateway_takes_a_publish(several: Several) -> None:
    several.beat("a/1", several.one)
    several.beat("b/1", several.two)
    statuses = []
    for app in (several.named, several.one, several.two):
        app.ready = False
        statuses.append(several.service.client.get("/readyz").status_code)

    assert statuses == [200, 200, 503]


def test_the_figures_of_several_gateways_come_together_each_with_its_name(several: Several) -> None:
    several.beat("a/1", several.one)
    several.beat("b/1", several.two)
    several.one.metrics = b"# TYPE streamkeep_takeovers_total counter\nstreamkeep_takeovers_total 2.0\n"
    several.two.metrics = b"# TYPE streamkeep_takeovers_total counter\nstreamkeep_takeovers_total 3.0\n"

    text = several.service.client.get("/metrics").text

    assert 'streamkeep_takeovers_total{gateway="a/1"} 2.0' in text
    assert 'streamkeep_takeovers_total{gateway="b/1"} 3.0' in text


def test_a_gateway_that_does_not_answer_only_misses_in_the_figures(several: Several) -> None:
    several.beat("a/1", several.one)
    several.beat("b/1", several.two)
    several.one.ready = False
    several.two.metrics = b"# TYPE streamkeep_takeovers_total counter\nstreamkeep_takeovers_total 3.0\n"

    answer = several.service.client.get("/metrics")

    assert answer.status_code == 200
    assert 'gateway="a/1"' not in answer.text
    assert 'gateway="b/1"' in answer.text
