"""What is true of workers as child processes besides the contract."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import pytest

from services.adapters import process_launcher
from services.domain.errors import LaunchFailed
from services.domain.ports import LaunchOrder
from tests.contract.launch_world import DEADLINE_SECONDS, ProcessWorld

ORDER = LaunchOrder(channel_id="camera", session_id="session-1")
SECOND = LaunchOrder(channel_id="camera", session_id="session-2")


@pytest.fixture
def world() -> Iterator[ProcessWorld]:
    world = ProcessWorld()
    yield world
    world.close()


def test_a_worker_gets_the_environment_it_is_given_and_little_else(world: ProcessWorld) -> None:
    world.launcher(environment={"STREAMKEEP_STATE_PATH": "/data/state.db"}).launch(ORDER)

    environment = world.started().facts["environment"]
    given = {"REPORT_PORT", "BEHAVIOUR", "STREAMKEEP_STATE_PATH"}
    assert given <= set(environment) <= {*given, *process_launcher.PASSED_ON, "LC_CTYPE"}
    assert environment["STREAMKEEP_STATE_PATH"] == "/data/state.db"


def test_what_a_worker_is_given_outranks_what_it_inherits(world: ProcessWorld) -> None:
    world.launcher(environment={"HOME": "/elsewhere"}).launch(ORDER)

    assert world.started().facts["environment"]["HOME"] == "/elsewhere"


def test_a_worker_reads_nothing_and_belongs_to_no_terminal(world: ProcessWorld) -> None:
    world.launcher().launch(ORDER)

    facts = world.started().facts
    assert (facts["stdin"], facts["is_session_leader"]) == ("/dev/null", True)


def test_the_lifeline_is_handed_down_and_named(world: ProcessWorld) -> None:
    ours, lifeline = socket.socketpair()
    with ours, lifeline:
        world.launcher(lifeline_fd=lifeline.fileno()).launch(ORDER)

        facts = world.started().facts
        assert facts["environment"]["STREAMKEEP_LIFELINE_FD"] == str(lifeline.fileno())
        assert lifeline.fileno() in facts["descriptors"]
        assert ours.fileno() not in facts["descriptors"]


def test_without_a_lifeline_none_is_named(world: ProcessWorld) -> None:
    world.launcher().launch(ORDER)

    assert "STREAMKEEP_LIFELINE_FD" not in world.started().facts["environment"]


def test_a_second_launch_for_a_session_that_runs_starts_nothing(world: ProcessWorld) -> None:
    launcher = world.launcher()
    launcher.launch(ORDER)
    world.started()

    launcher.launch(ORDER)

    assert len(world.children()) == 1


def test_a_session_whose_worker_ended_can_be_launched_again(world: ProcessWorld) -> None:
    launcher = world.launcher("exit-3")
    launcher.launch(ORDER)
    world.started()
    world.exit()

    launcher.launch(ORDER)

    assert world.started().facts["argv"] == ["--channel", "camera", "--session", "session-1"]


def test_a_workers_return_code_is_told(world: ProcessWorld) -> None:
    world.launcher("exit-3").launch(ORDER)

    assert world.exit() == ("session-1", 3)


def test_a_killed_workers_signal_is_told(world: ProcessWorld) -> None:
    world.launcher().launch(ORDER)

    os.kill(world.started().facts["pid"], signal.SIGKILL)

    assert world.exit() == ("session-1", -signal.SIGKILL)


def test_a_worker_that_ended_is_not_running_when_its_end_is_told(world: ProcessWorld) -> None:
    launcher = world.launcher("exit-3")
    launcher.launch(ORDER)

    world.exit()

    assert launcher.running() == frozenset()


def test_no_zombie_is_left_of_a_worker_that_ended(world: ProcessWorld) -> None:
    world.launcher("exit-3").launch(ORDER)

    world.exit()

    assert world.children() == set()


def test_what_a_worker_left_behind_ends_with_it(world: ProcessWorld) -> None:
    world.launcher("leave-a-child").launch(ORDER)

    world.started().wait_gone()

    assert world.exit() == ("session-1", 0)


def test_a_stop_asks_every_worker_and_waits_for_it(world: ProcessWorld) -> None:
    launcher = world.launcher()
    launcher.launch(ORDER)
    launcher.launch(SECOND)
    workers = [world.started(), world.started()]

    launcher.stop(DEADLINE_SECONDS)

    assert {world.exits.get_nowait() for _ in workers} == {
        ("session-1", -signal.SIGINT),
        ("session-2", -signal.SIGINT),
    }
    assert world.children() == set()


def test_a_worker_that_does_not_obey_is_killed_at_the_deadline(world: ProcessWorld) -> None:
    launcher = world.launcher("ignore")
    launcher.launch(ORDER)
    world.started()

    launcher.stop(0.2)

    assert world.exits.get_nowait() == ("session-1", -signal.SIGKILL)
    assert launcher.running() == frozenset()


def test_a_launcher_without_workers_stops_at_once(world: ProcessWorld) -> None:
    launcher = world.launcher()

    launcher.stop(DEADLINE_SECONDS)

    assert launcher.running() == frozenset()


def test_nothing_is_launched_after_a_stop(world: ProcessWorld) -> None:
    launcher = world.launcher()
    launcher.stop(0)

    with pytest.raises(LaunchFailed, match="stopping"):
        launcher.launch(ORDER)

    assert world.children() == set()


def test_a_program_that_cannot_be_started_is_named(world: ProcessWorld) -> None:
    launcher = world.broken_launcher()

    with pytest.raises(LaunchFailed, match=r"/nonexistent/worker-program cannot be started: .*No such file"):
        launcher.launch(ORDER)

    assert launcher.running() == frozenset()


SUCCESSOR = LaunchOrder(channel_id="camera", session_id="session-1", is_successor=True)


def test_a_successor_runs_beside_the_worker_that_is_leaving_and_no_third(world: ProcessWorld) -> None:
    launcher = world.launcher()
    launcher.launch(ORDER)
    launcher.launch(SUCCESSOR)
    launcher.launch(SUCCESSOR)
    launcher.launch(ORDER)
    world.started()
    world.started()

    assert len(world.children()) == 2


def test_a_session_has_its_worker_while_one_of_two_runs(world: ProcessWorld) -> None:
    launcher = world.launcher()
    launcher.launch(ORDER)
    leaving = world.started()
    launcher.launch(SUCCESSOR)
    world.started()

    os.kill(leaving.facts["pid"], signal.SIGKILL)
    world.exit()

    assert launcher.running() == frozenset({"session-1"})
    assert len(world.children()) == 1


def test_a_stop_ends_both_workers_of_a_session(world: ProcessWorld) -> None:
    launcher = world.launcher()
    launcher.launch(ORDER)
    launcher.launch(SUCCESSOR)
    world.started()
    world.started()

    launcher.stop(DEADLINE_SECONDS)

    assert world.children() == set()


def test_a_worker_that_hangs_is_killed_with_all_it_started(world: ProcessWorld) -> None:
    launcher = world.launcher("ignore")
    launcher.launch(ORDER)
    launcher.launch(SECOND)
    hung = world.started()
    os.kill(hung.facts["pid"], signal.SIGSTOP)

    launcher.kill(hung.facts["argv"][3])
    hung.wait_gone()

    assert world.exit() == (hung.facts["argv"][3], -signal.SIGKILL)
    assert len(launcher.running()) == 1


def test_a_session_without_a_worker_has_none_to_kill(world: ProcessWorld) -> None:
    launcher = world.launcher()

    launcher.kill("session-1")

    assert launcher.running() == frozenset()
