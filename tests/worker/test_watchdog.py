"""A worker whose event loop turns no more, or of which a task fails."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.processes import is_alive
from tests.waiting import eventually
from tests.worker.a_worker import ROOT, SESSION, AWorker, publishing

CLIP = Clip(seconds=30, gop_seconds=1)

STUCK = """
import asyncio, time
from services.runtime import logging
from services.worker.watchdog import watched

async def main():
    with watched({seconds}):
        print("turning", flush=True)
        await asyncio.sleep({turns})
        {then}

def the_culprit():
    time.sleep(30)

logging.configure("worker", level="info", form="json")
asyncio.run(main())
"""


def program(seconds: float, turns: float, then: str) -> subprocess.Popen[str]:
    code = STUCK.format(seconds=seconds, turns=turns, then=then)
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=-1, stderr=-1, text=True)


def test_a_loop_that_turns_no_more_ends_the_process_and_says_where_it_stood() -> None:
    with program(1, turns=0.1, then="the_culprit()") as stuck:
        _, log = stuck.communicate(timeout=10)

    assert stuck.returncode == 5
    told = json.loads(log)
    assert told["event"] == "event_loop_stuck"
    [main] = [stack for name, stack in told["stacks"].items() if name.startswith("MainThread")]
    assert "the_culprit" in main[-1]


@pytest.mark.parametrize(("seconds", "then"), [(0.5, "pass"), (0, "time.sleep(1)")], ids=["it turns", "nobody watches"])
def test_a_loop_that_turns_or_is_not_watched_is_left_alone(seconds: float, then: str) -> None:
    with program(seconds, turns=1.5, then=then) as process:
        process.communicate(timeout=10)

    assert process.returncode == 0


def test_a_process_that_was_stopped_and_goes_on_is_not_stuck() -> None:
    busy = "print(flush=True), time.sleep(0.9)"  # in which the watchdog waits for an answer
    with program(1, turns=0.1, then=busy) as process:
        assert process.stdout is not None
        assert process.stdout.readline() + process.stdout.readline() == "turning\n\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.6)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=10)

    assert process.returncode == 0


def full_pipe(path: Path) -> int:
    """Make a pipe into which a write blocks."""
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while os.write(descriptor, b"x" * 4096):
            pass
    return descriptor


def test_a_worker_that_its_disk_holds_up_ends_with_all_its_children(
    tmp_path: Path, gateway: OpenGateway, media: Media
) -> None:
    with AWorker(tmp_path, gateway, STREAMKEEP_WATCHDOG_SECONDS="2") as worker, publishing(media.file(CLIP), gateway):
        worker.on_air()
        worker.wait_for_segments(1)
        assert worker.process is not None
        children = psutil.Process(worker.process.pid).children(recursive=True)
        descriptor = full_pipe(tmp_path / "pipe")
        (tmp_path / "pipe").replace(worker.spool / SESSION / "ledger.jsonl")

        assert worker.wait(15) == 5
        os.close(descriptor)
        assert children
        eventually(lambda: not any(map(is_alive, children)), what="the children are gone")
        [told] = worker.said("event_loop_stuck")
        assert any("ledger.py" in frame for stack in told["stacks"].values() for frame in stack)


def test_a_worker_of_which_a_task_fails_ends_so_that_another_goes_on_from_the_spool(
    worker: AWorker, gateway: OpenGateway, media: Media
) -> None:
    with publishing(media.file(CLIP), gateway):
        worker.on_air()
        worker.wait_for_segments(1)
        with closing(sqlite3.connect(worker.spool.parent / "state.db", isolation_level=None)) as connection:
            connection.execute("UPDATE sessions SET record = '{}', version = version + 1")

        assert worker.wait(15) == 4
    assert worker.said("worker_task_failed")[0]["task"] == "following"
    assert (worker.spool / SESSION / "ledger.jsonl").is_file()
