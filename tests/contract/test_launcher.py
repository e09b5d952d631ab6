from __future__ import annotations

import pytest

from services.domain.errors import InvalidInput, LaunchFailed
from services.domain.ports import LaunchOrder
from tests.contract.worlds import LaunchWorld

ORDER = LaunchOrder(channel_id="camera", session_id="session-1")


def test_a_launched_worker_is_told_its_channel_and_session(launch_world: LaunchWorld) -> None:
    launch_world.launcher().launch(ORDER)

    assert launch_world.started_channel_and_session() == ("camera", "session-1")


def test_each_session_gets_a_worker_of_its_own(launch_world: LaunchWorld) -> None:
    launcher = launch_world.launcher()

    launcher.launch(ORDER)
    launcher.launch(LaunchOrder(channel_id="camera", session_id="session-2"))

    started = {launch_world.started_channel_and_session() for _ in range(2)}
    assert started == {("camera", "session-1"), ("camera", "session-2")}


def test_a_running_worker_is_known_where_that_can_be_told(launch_world: LaunchWorld) -> None:
    launcher = launch_world.launcher()
    launcher.launch(ORDER)
    launch_world.started_channel_and_session()

    assert launcher.running() in (None, frozenset({"session-1"}))


def test_a_worker_that_cannot_be_started_is_an_error(launch_world: LaunchWorld) -> None:
    with pytest.raises(LaunchFailed):
        launch_world.broken_launcher().launch(ORDER)


@pytest.mark.parametrize("impossible", ["--help", "../x", "a b", "", "a\0b"])
def test_an_impossible_id_starts_nothing(launch_world: LaunchWorld, impossible: str) -> None:
    launcher = launch_world.launcher()

    with pytest.raises(InvalidInput):
        launcher.launch(LaunchOrder(channel_id=impossible, session_id="session-1"))
    with pytest.raises(InvalidInput):
        launcher.launch(LaunchOrder(channel_id="camera", session_id=impossible))
