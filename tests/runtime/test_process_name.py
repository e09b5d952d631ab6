from __future__ import annotations

import os
import signal

import pytest

from services.runtime.process_name import is_over, own_name, runs_here
from tests.processes import named_process


def test_this_process_is_not_over() -> None:
    assert not is_over(own_name())


def test_another_process_is_over_once_it_has_been_killed() -> None:
    with named_process() as (process, name):
        assert not is_over(name)

        process.kill()
        process.wait(10)

        assert is_over(name)


def test_a_process_that_nobody_has_reaped_yet_is_over() -> None:
    with named_process() as (process, name):
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert is_over(name)


def test_another_process_that_was_given_the_same_number_changes_nothing() -> None:
    host, kernel, pid, _ = own_name().rsplit(":", 3)

    assert is_over(f"{host}:{kernel}:{pid}:1")


def test_of_a_process_on_another_machine_nothing_is_known() -> None:
    host, _, pid, start = own_name().rsplit(":", 3)

    assert not runs_here(f"{host}:000000000000:{pid}:{start}")
    assert not is_over(f"{host}:000000000000:{pid}:{start}")
    assert not is_over(f"{host}:000000000000:1:1")


@pytest.mark.parametrize("name", ["", "host", "host:1", "a:b:c", ":::", "host:kernel:-1:5", "host:kernel:²:5"])
def test_what_is_no_name_of_a_process_neither_is_over_nor_runs(name: str) -> None:
    assert not is_over(name)
    assert not runs_here(name)


def test_a_process_runs_here_until_it_ends() -> None:
    with named_process() as (process, name):
        ran = runs_here(name)
        process.kill()
        process.wait()

        assert ran
        assert not runs_here(name)
