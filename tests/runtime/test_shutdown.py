from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from tests.runtime.program import DEADLINE_SECONDS

PROGRAM = """
import asyncio, sys
from services.runtime import logging
from services.runtime.shutdown import stop_event

async def main():
    lifeline = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else None
    async with stop_event(lifeline) as stop:
        print("waiting", flush=True)
        await stop.wait()
        print("at once" if stop.at_once.is_set() else "after a hand-over", flush=True)
        if not stop.at_once.is_set() and "--patient" in sys.argv:
            await stop.at_once.wait()
    print("stopped", flush=True)

logging.configure("test", level="info", form="json")
asyncio.run(main())
"""


class Waiting:
    """A program that waits for its stop event."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._process = process
        self._output = output
        assert self.line() == b"waiting\n"

    def line(self) -> bytes:
        """Give the next line that it prints, or fail after DEADLINE_SECONDS."""
        ready, _, _ = select.select([self._output], [], [], DEADLINE_SECONDS)
        assert ready, "the program says nothing"
        return self._output.readline()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def returncode(self) -> int:
        """Give the return code at its end, or fail after DEADLINE_SECONDS."""
        return self._process.wait(DEADLINE_SECONDS)


@contextmanager
def waiting(lifeline: socket.socket | None = None, *arguments: str) -> Iterator[Waiting]:
    descriptors = [] if lifeline is None else [lifeline.fileno()]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, descriptors), *arguments],
        env={"PATH": os.environ["PATH"]},
        pass_fds=descriptors,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # what was read ahead would be hidden from select
    ) as process:
        assert process.stdout is not None
        try:
            yield Waiting(process, process.stdout)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_for_a_clean_stop(number: signal.Signals) -> None:
    with waiting() as program:
        program.send(number)

        assert program.line() == {signal.SIGTERM: b"after a hand-over\n", signal.SIGINT: b"at once\n"}[number]
        assert program.line() == b"stopped\n"
        assert program.returncode() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_asks_a_second_time_does_not_wait_for_a_hand_over(number: signal.Signals) -> None:
    with waiting(None, "--patient") as program:
        program.send(signal.SIGTERM)
        assert program.line() == b"after a hand-over\n"
        program.send(number)

        assert program.line() == b"stopped\n"
        assert program.returncode() == 0


def test_the_end_of_the_lifeline_asks_for_a_clean_stop() -> None:
    ours, theirs = socket.socketpair()
    with theirs, waiting(theirs) as program:
        ours.close()

        assert program.line() == b"at once\n"
        assert program.line() == b"stopped\n"
        assert program.returncode() == 0


def test_a_signal_asks_for_a_stop_while_the_lifeline_holds() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, waiting(theirs) as program:
        program.send(signal.SIGTERM)

        assert program.line() == b"after a hand-over\n"
        assert program.line() == b"stopped\n"


def test_the_stack_sees_the_end_of_the_last_that_held_the_lifeline() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(DEADLINE_SECONDS)
    with ours, waiting(theirs) as program:
        theirs.close()
        program.send(signal.SIGTERM)

        assert ours.recv(1) == b""
