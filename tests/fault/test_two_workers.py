"""Row "two workers for one session": the older epoch stops, and overwrites nothing even before that."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.emulators import Emulators
from tests.fault.limits import allowed
from tests.fault.stories import Told, events, gone
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

LEASE_SECONDS = 5
STOPS_WITHIN = allowed(4.0)
RECORDING_SECONDS = 4
HOME = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "dynamodb"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, numbered: NumberedMedia, emulators: Emulators
) -> Iterator[World]:
    variables = {"STREAMKEEP_LOG_FORMAT": "json", "STREAMKEEP_LEASE_SECONDS": str(LEASE_SECONDS)}
    url = emulators.url("ministack")
    with a_world(
        tmp_path, numbered, ministack=url, store="s3", state=str(request.param), variables=variables
    ) as running:
        yield running


@contextmanager
def beside(worker: psutil.Process, spool: Path, *argv: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program with a worker's environment and a spool of its own, as on another machine."""
    environment = {name: value for name, value in worker.environ().items() if name != "STREAMKEEP_LIFELINE_FD"}
    environment["STREAMKEEP_SPOOL_PATH"] = str(spool)
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [sys.executable, *argv],
            env=environment,
            cwd=HOME,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def begun(air: Air) -> int:
    return len(air.session["parts"])


def test_a_worker_that_was_frozen_past_its_lease_stops_and_overwrites_nothing(world: World) -> None:
    air = world.air(NumberedClip(), video_time=RECORDING_SECONDS)
    air.until_segments(3)
    session, older, log = str(air.session["id"]), air.worker(), world.folder / "second.log"
    eventually(lambda: air.session["counts"]["segments"] > 1, within=15, what="the manifest lists segments")
    older.suspend()
    frozen = time.monotonic()
    arguments = ("-m", "services.worker", "--channel", air.id, "--session", session)
    # Only a lease that has run out can be taken, and the gateway kills the frozen worker after twice its time.
    eventually(lambda: time.monotonic() - frozen > LEASE_SECONDS + 0.3, within=LEASE_SECONDS + 2, what="no lease")
    with beside(older, world.folder / "second", *arguments, log=log) as newer:
        eventually(lambda: newer.poll() is not None or begun(air) >= 2, within=15, what="the second captures")
        assert newer.poll() is None, log.read_text()
        without = time.monotonic() - frozen
        older.resume()
        stopped = gone(older, within=10)
        air.until_segments(3)
        air.end()
        newer.wait(20)
    told = Told(air, {"the older one stopped after": stopped, "without a worker": without})
    print(told.figures, told.report.lines()[-1])

    # What the first has shipped since it last wrote the manifest, every 5 s, nobody knows of: its spool is its own, and
    # the numbers that it may have given are not given again.
    assert told.report.names <= {"object_unlisted", "media_sequence"}, told.whole()
    assert stopped < STOPS_WITHIN
    assert [part.more["n"] for part in told.record.parts][:2] == [0, 1]
    assert list(events(world, "lease_lost", session=session)), "it went because it saw the newer epoch"
    assert told.lost == 0


def test_a_worker_stops_when_a_newer_epoch_is_recorded(world: World) -> None:
    air = world.air(NumberedClip())
    air.until_segments(3)
    session, older, log = str(air.session["id"]), air.worker(), world.folder / "usurper.log"
    with beside(older, world.folder, "-m", "tests.fault.usurper", session, log=log) as usurper:
        assert usurper.stdout is not None
        epoch = usurper.stdout.readline()
        assert epoch, log.read_text()
        recorded = time.time()
        ended = time.time() - recorded + gone(older, within=10)
        assert usurper.stdin is not None
        usurper.stdin.close()
        usurper.wait(10)
    air.until_segments(2)
    air.end()
    told = Told(air, {"the older one stopped after": ended})
    print(told.figures, told.report.lines()[-1])

    assert told.report.findings == [], told.whole()
    assert ended < STOPS_WITHIN
