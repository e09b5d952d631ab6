"""Real processes that do the same thing at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Any, Self

RACERS = 4
DEADLINE_SECONDS = 60.0
_context = multiprocessing.get_context("spawn")


class Racers:
    """Four processes that wait for a task; each runs it with its own number after the last is ready."""

    def __enter__(self) -> Self:
        self._barrier = _context.Barrier(RACERS)  # kept: its semaphore goes with the last reference
        pipes = [_context.Pipe() for _ in range(RACERS)]
        self._processes = [
            _context.Process(target=_serve, args=(number, theirs, self._barrier), daemon=True)
            for number, (_, theirs) in enumerate(pipes)
        ]
        for process in self._processes:
            process.start()
        for _, theirs in pipes:
            theirs.close()
        self._pipes = [ours for ours, _ in pipes]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(DEADLINE_SECONDS)
            process.close()

    def run(self, task: Callable[..., Any], *arguments: object) -> list[Any]:
        """Give what `task(number, *arguments)` returned in each process; raise what one of them raised."""
        for pipe in self._pipes:
            pipe.send((task, arguments))
        outcomes = [_received(pipe) for pipe in self._pipes]
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return outcomes


def _received(pipe: Connection) -> object:
    if not pipe.poll(DEADLINE_SECONDS):
        message = f"a racer did not finish in {DEADLINE_SECONDS:g} s"
        raise TimeoutError(message)
    return pipe.recv()


def _serve(number: int, pipe: Connection, barrier: Barrier) -> None:
    while True:
        try:
            task, arguments = pipe.recv()
        except EOFError:
            return
        barrier.wait(DEADLINE_SECONDS)
        try:
            pipe.send(task(number, *arguments))
        except Exception as error:  # noqa: BLE001 - the test raises it
            pipe.send(error)
