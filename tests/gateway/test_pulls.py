"""Channels whose source is to be fetched have a program that does so, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.ids import pull_id
from services.domain.session import Pull
from services.gateway.pulls import STARTS_MAX, Pulls
from services.runtime.process_name import own_name
from tests.doubles.lagging_overview import LaggingOverview
from tests.doubles.launcher import LauncherDouble
from tests.examples import a_channel
from tests.processes import name_of_a_dead_process

SOURCE = "rtmp://live.example/app/name"


@dataclass
class Scene:
    """State, a launcher that starts nothing, and what is tested between them."""

    state: SqliteState
    overview: LaggingOverview
    launcher: LauncherDouble
    pulls: Pulls

    def start(self, channel_id: str = "camera") -> None:
        """Store a channel whose source is to be fetched."""
        self.state.channels.add(a_channel(channel_id, source_url=SOURCE, outdate=datetime.now(UTC) + timedelta(days=1)))
        self.state.sessions.save(air=self.state.sessions.air(channel_id).changed(pull=Pull(since=datetime.now(UTC))))

    def end(self, channel_id: str = "camera") -> None:
        self.state.sessions.save(air=self.state.sessions.air(channel_id).changed(pull=None))

    def launched(self) -> list[str]:
        return [order.channel_id for order in self.launcher.orders]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    path = tmp_path / "state.db"
    with closing(SqliteState(path)) as state, closing(LaggingOverview(path, tmp_path)) as overview:
        launcher = LauncherDouble()
        pulls = Pulls(
            overview=overview,
            channels=state.channels,
            sessions=state.sessions,
            leases=state.leases,
            launcher=launcher,
            clock=SystemClock(),
            sweep_seconds=1,
        )
        yield Scene(state, overview, launcher, pulls)


def test_a_channel_that_was_started_gets_its_program_once(scene: Scene) -> None:
    scene.start()
    scene.pulls.sweep()
    scene.pulls.sweep()

    assert scene.launched() == ["camera"]


def test_a_channel_that_was_not_started_gets_none(scene: Scene) -> None:
    scene.state.channels.add(a_channel(source_url=SOURCE))
    scene.pulls.sweep()

    assert scene.launched() == []


def test_the_program_is_ended_with_the_wish(scene: Scene) -> None:
    scene.start()
    scene.pulls.sweep()
    scene.end()
    scene.pulls.sweep()

    assert scene.launcher.killed == ["camera"]


@pytest.mark.parametrize(
    "change", [{"source_url": ""}, {"enabled": False}, {"outdate": datetime(2020, 1, 1, tzinfo=UTC)}]
)
def test_the_program_is_ended_by_a_change_of_the_channel(scene: Scene, change: dict[str, object]) -> None:
    scene.start()
    scene.pulls.sweep()
    channel = scene.state.channels.get("camera")
    scene.state.channels.replace(channel.changed(datetime.now(UTC), **change))
    scene.pulls.sweep()

    assert scene.launcher.killed == ["camera"]


def test_the_program_is_ended_when_the_channel_is_deleted(scene: Scene) -> None:
    scene.start()
    scene.pulls.sweep()
    scene.state.channels.remove("camera")
    scene.pulls.sweep()

    assert scene.launcher.killed == ["camera"]


def test_no_program_is_ended_for_what_was_true_a_moment_ago(scene: Scene) -> None:
    before = scene.overview.picture()
    scene.start()
    scene.pulls.sweep()
    scene.overview.hold(before)
    scene.pulls.sweep()

    assert scene.overview.asked == 1
    assert scene.launcher.killed == []


def test_a_draining_gateway_starts_no_program(scene: Scene) -> None:
    scene.start()
    scene.pulls.door.shut(datetime.now(UTC))
    scene.pulls.sweep()

    assert scene.launched() == []


def test_a_program_that_is_let_go_leaves_its_channel_to_another_gateway_at_once(scene: Scene) -> None:
    scene.start()
    scene.pulls.sweep()
    name, now = pull_id("camera"), datetime.now(UTC)
    scene.state.leases.claim(name, name_of_a_dead_process(), ttl=timedelta(minutes=1), now=now)
    asyncio.run(scene.pulls.let_go("camera"))

    assert scene.launcher.killed == ["camera"]
    assert scene.state.leases.claim(name, "elsewhere:1", ttl=timedelta(minutes=1), now=now).epoch == 2


def test_where_no_program_runs_nothing_is_let_go(scene: Scene) -> None:
    name, now = pull_id("camera"), datetime.now(UTC)
    held = scene.state.leases.claim(name, "elsewhere:1", ttl=timedelta(minutes=1), now=now)
    asyncio.run(scene.pulls.let_go("camera"))

    found = scene.state.leases.get(name)
    assert found is not None
    assert (found.holder, found.is_valid(now)) == (held.holder, True)


def test_a_program_of_another_machine_is_left_alone(scene: Scene) -> None:
    scene.start()
    scene.state.leases.claim(pull_id("camera"), "elsewhere:1", ttl=timedelta(minutes=1), now=datetime.now(UTC))
    scene.pulls.sweep()

    assert scene.launched() == []


def test_a_program_that_an_earlier_life_of_the_gateway_started_goes_on(scene: Scene) -> None:
    scene.start()
    scene.state.leases.claim(pull_id("camera"), own_name(), ttl=timedelta(minutes=1), now=datetime.now(UTC))
    scene.pulls.sweep()

    assert scene.launched() == []


def test_a_program_that_dies_at_once_is_not_started_again_at_once(scene: Scene) -> None:
    scene.start()
    scene.pulls.sweep()
    scene.launcher.end("camera", 1)
    scene.pulls.sweep()

    assert scene.launched() == ["camera"]


def test_many_are_started_a_few_at_a_time(scene: Scene) -> None:
    names = [f"camera-{number}" for number in range(STARTS_MAX + 2)]
    for name in names:
        scene.start(name)
    scene.pulls.sweep()
    at_first = len(scene.launched())
    scene.pulls.sweep()

    assert at_first == STARTS_MAX
    assert sorted(scene.launched()) == sorted(names)
