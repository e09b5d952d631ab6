"""A process's pulse, with real processes; looks that come faster than in earnest count like the others."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from services.worker.capture.pulse import FROZEN_LOOKS, SPINNING_LOOKS, Pulse
from tests.waiting import eventually


@contextmanager
def a_process(script: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def runs(pulse: Pulse) -> bool:
    pulse.look()
    return pulse._was_seen_to_run


def looks(pulse: Pulse, count: int) -> list[str | None]:
    """Give what so many looks say, with a pause after each in which the process may move."""
    said: list[str | None] = []

    def look() -> bool:
        said.append(pulse.look())
        return len(said) >= count

    eventually(look, what=f"{count} looks")
    return said


WRITES = "while :; do echo x; sleep 0.005; done"
WAITS = "while :; do sleep 0.005; done"


def test_a_process_that_writes_is_well() -> None:
    with a_process(WRITES) as process:
        said = looks(Pulse(process.pid), 3 * FROZEN_LOOKS)

    assert set(said) == {None}


def test_a_stopped_process_is_frozen() -> None:
    with a_process(WRITES) as process:
        pulse = Pulse(process.pid)
        eventually(lambda: runs(pulse), what="it runs")
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: pulse.look() == "frozen", what="it is frozen")


def test_a_process_that_is_thawed_in_time_is_well() -> None:
    with a_process(WRITES) as process:
        pulse = Pulse(process.pid)
        eventually(lambda: runs(pulse), what="it runs")
        process.send_signal(signal.SIGSTOP)
        said = {pulse.look() for _ in range(FROZEN_LOOKS - 2)}
        process.send_signal(signal.SIGCONT)
        eventually(lambda: pulse.look() is None and pulse._still == 0, what="it runs again")

    assert said == {None}


def test_a_process_that_waits_for_something_to_write_is_well() -> None:
    with a_process(WAITS) as process:
        said = looks(Pulse(process.pid), 2 * SPINNING_LOOKS)

    assert set(said) == {None}


def test_a_process_that_goes_in_circles_is_spinning() -> None:
    with a_process("while :; do :; done") as process:
        pulse = Pulse(process.pid)
        eventually(lambda: pulse.look() == "spinning", what="it is spinning")


def test_of_a_process_that_is_over_nothing_is_said() -> None:
    with a_process("true") as process:
        process.wait(5)
    pulse = Pulse(process.pid)

    assert {pulse.look() for _ in range(SPINNING_LOOKS + 1)} == {None}
