from __future__ import annotations

import os
import re
import signal

from services.local.program import dies_with_parent
from tests.local.driven import Driven, is_gone


def test_a_program_that_ends_is_started_again_after_growing_pauses(driven: Driven) -> None:
    driven.plan("flaky", "ends", "3")
    driven.start()

    pids = {driven.news.expect("flaky", "started").pid for _ in range(4)}
    driven.stop()

    assert len(pids) == 4
    pauses = re.findall(r"program_ended.*restart_in_seconds=(\S+)", driven.log)
    assert pauses[:3] == ["0.2", "0.4", "0.8"]


def test_a_program_killed_by_a_signal_is_started_again(driven: Driven) -> None:
    driven.plan("foreign", "foreign")
    driven.start()
    first = driven.news.expect("foreign", "started")
    os.kill(first.pid, signal.SIGKILL)
    second = driven.news.expect("foreign", "started")
    driven.stop()

    assert second.pid != first.pid
    assert re.search(r"program_ended.*exit=-9.*program=foreign", driven.log)


def test_a_program_that_cannot_start_is_named_and_not_tried_again(driven: Driven) -> None:
    driven.plan("broken", "ends", "2", on_lifeline=True)
    driven.start(ready=False)

    failure = driven.news.expect("driver", "failed")
    driven.news.expect("driver", "stopped")

    assert "broken cannot start (exit 2)" in failure.what
    assert [event.what for event in driven.news.seen if event.name == "broken"] == ["started"]


def test_a_program_that_does_not_exist_is_tried_again_and_logged(driven: Driven) -> None:
    driven.plan("foreign", "foreign")
    driven.plan("absent", "ends")
    driven._programs[1]["argv"] = ["/no/such/program"]
    driven.start()
    driven.news.expect("foreign", "started")

    assert driven.stop() == 0
    assert re.search(r"program_not_started.*No such file.*program=absent", driven.log)


def test_a_stop_lets_services_finish_by_the_lifeline_and_terminates_the_others(driven: Driven) -> None:
    driven.plan("service", "service", on_lifeline=True)
    driven.plan("foreign", "foreign")
    driven.start()
    driven.news.expect_each(("service", "started"), ("foreign", "started"))
    code = driven.stop()

    driven.news.expect_each(("service", "finished"), ("foreign", "terminated"), ("driver", "stopped"))

    assert code == 0
    assert "process_killed" not in driven.log


def test_a_program_that_ignores_the_stop_is_killed_at_the_deadline(driven: Driven) -> None:
    driven.plan("stubborn", "stubborn", on_lifeline=True)
    driven.start(stop_seconds=0.3)
    stubborn = driven.news.expect("stubborn", "started")

    assert driven.stop() == 0
    assert is_gone(stubborn.pid)
    assert re.search(r"stop_took_too_long.*stubborn", driven.log)


def test_an_orphan_of_a_service_is_killed_at_the_stop(driven: Driven) -> None:
    driven.plan("service", "has_stubborn_child", on_lifeline=True)
    driven.start()
    orphan = driven.news.expect("child", "started")

    assert driven.stop() == 0
    assert is_gone(orphan.pid)


def test_what_a_killed_program_left_in_its_group_is_gone_before_it_starts_again(driven: Driven) -> None:
    driven.plan("leader", "leaves")
    driven.start()
    leader = driven.news.expect("leader", "left")
    left = driven.news.expect("left", "started")
    os.kill(leader.pid, signal.SIGKILL)
    driven.news.expect("leader", "left")

    assert is_gone(left.pid)


def test_services_notice_that_the_stack_was_killed(driven: Driven) -> None:
    driven.plan("service", "service", on_lifeline=True)
    driver = driven.start()
    service = driven.news.expect("service", "started")
    driver.kill()
    driver.wait(10)

    driven.news.expect("service", "finished")

    assert is_gone(service.pid)


def test_a_foreign_program_ends_when_the_stack_is_killed(driven: Driven) -> None:
    driven.plan("foreign", "foreign")
    driven._programs[0]["argv"] = list(dies_with_parent("TERM", tuple(driven._programs[0]["argv"])))
    driver = driven.start()
    foreign = driven.news.expect("foreign", "started")
    driver.kill()
    driver.wait(10)

    driven.news.expect("foreign", "terminated")

    assert is_gone(foreign.pid)


def test_a_second_signal_does_not_spoil_the_stop(driven: Driven) -> None:
    driven.plan("stubborn", "stubborn", on_lifeline=True)
    driver = driven.start(stop_seconds=1)
    driven.news.expect("stubborn", "started")
    driver.terminate()
    driver.send_signal(signal.SIGINT)

    assert driver.wait(10) == 0


def test_a_program_sees_only_its_own_variables(driven: Driven) -> None:
    driven.plan("service", "shows_environment", on_lifeline=True, environment={"STREAMKEEP_PORT": "1"})
    driven.start(stop_seconds=0.1)

    seen = driven.news.expect("service", "sees").what.split()

    assert {name for name in seen if name.startswith("STREAMKEEP_")} == {"STREAMKEEP_PORT", "STREAMKEEP_LIFELINE_FD"}
    assert "PATH" in seen


def test_a_foreign_program_speaks_under_its_name_and_its_secret_is_hidden(driven: Driven) -> None:
    driven.plan("foreign", "foreign", "cannot open demo?sign=1-abc now", relayed=True, hidden=["demo?sign=1-abc"])
    driven.start()
    driven.news.expect("foreign", "started")
    driven.stop()

    assert re.search(r"output.*cannot open \(hidden\) now.*program=foreign", driven.log)
    assert "abc" not in driven.log
