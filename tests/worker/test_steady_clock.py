"""A session's time goes on when somebody sets the wall clock, and in its next worker."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from services.domain import times
from services.worker.capture.steady_clock import FILE, SteadyClock

MINUTES = timedelta(minutes=5)


def stepped(by: timedelta) -> SteadyClock:
    """Give the clock of a session that began before the wall clock was set forward by so much."""
    return SteadyClock(SteadyClock.read().offset - by.total_seconds())


def test_it_begins_with_the_wall_clock() -> None:
    assert SteadyClock.read().now() == pytest.approx(time.time(), abs=0.05)


def test_the_next_worker_of_a_session_keeps_its_clock(tmp_path: Path) -> None:
    first = SteadyClock.of(tmp_path / "session")

    assert SteadyClock.of(tmp_path / "session") == first


def test_the_clock_of_another_life_of_the_machine_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"boot": "an earlier one", "offset": 12.0}))

    assert SteadyClock.of(tmp_path).now() == pytest.approx(time.time(), abs=0.05)
    assert json.loads((tmp_path / FILE).read_text())["offset"] != 12.0


@pytest.mark.parametrize("body", ["", "{}", "[1]", '{"boot": null}', "garbage"])
def test_a_file_that_says_nothing_is_written_anew(tmp_path: Path, body: str) -> None:
    (tmp_path / FILE).write_text(body)

    clock = SteadyClock.of(tmp_path)

    assert json.loads((tmp_path / FILE).read_text())["offset"] == pytest.approx(clock.offset)


@pytest.mark.parametrize("step", [MINUTES, -MINUTES, timedelta(0)])
def test_what_was_read_off_the_wall_clock_after_it_was_set_is_understood(step: timedelta) -> None:
    clock = stepped(step)
    since = times.utc(clock.now() - 60)
    really = times.utc(clock.now() - 20)

    assert clock.of_wall(really + step, since=since) - really < timedelta(milliseconds=50)


@pytest.mark.parametrize("step", [MINUTES, -MINUTES])
def test_what_was_read_before_it_was_set_is_left_as_it_is(step: timedelta) -> None:
    clock = stepped(step)
    moment = times.utc(clock.now() - 20)

    assert clock.of_wall(moment, since=times.utc(clock.now() - 60)) == moment


def test_what_cannot_be_is_put_within_what_can() -> None:
    clock = SteadyClock.read()
    since, now = times.utc(clock.now() - 60), times.utc(clock.now())

    assert clock.of_wall(since - MINUTES, since=since) == since
    assert abs(clock.of_wall(now + MINUTES, since=since) - now) < timedelta(seconds=1)
