"""What the stack's processes use, again and again over a walk."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Self

import psutil

from tests.fault.world import World
from tests.processes import command

PERIOD_SECONDS = 3.0
GROWTH = {"rss": (1.3, 12.0), "fds": (1.0, 10.0), "threads": (1.0, 6.0), "children": (1.0, 2.0)}
"""What a process may have in the last quarter: so many times what it had in the first, and so much more."""
_ROLES = (
    ("worker", ("services.worker", "--channel")),
    ("callback app", ("services.gateway",)),
    ("metadata", ("services.metadata",)),
    ("nginx", ("nginx: worker",)),
    ("supervisor", ("services.local",)),
)


def _is_worker(process: psutil.Process) -> bool:
    line = " ".join(command(process))
    return all(word in line for word in _ROLES[0][1])


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    rss: float  # MB
    fds: float
    threads: float
    children: float


@dataclass(slots=True)
class Samples:
    """Samples of all processes by role, taken in a thread of their own."""

    world: World
    taken: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._sample, name="samples", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(10)

    def _sample(self) -> None:
        while not self._over.wait(PERIOD_SECONDS):
            assert self.world.stack.process is not None
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in [psutil.Process(self.world.stack.process.pid), *self.world.stack.family()]:
                    self._take(process)

    def _take(self, process: psutil.Process) -> None:
        line = " ".join(command(process))
        role = next((role for role, words in _ROLES if all(word in line for word in words)), None)
        if role is None or "services.gateway.nginx" in line:
            return
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            megabytes = process.memory_info().rss / 1e6
            young = time.time() - process.create_time() < 5  # still growing into its size
            if not young:
                # A worker goes over to the supervisor when the app that started it dies: it is nobody's growth.
                children = len([child for child in process.children() if not _is_worker(child)])
                self.taken[role].append(
                    Sample(time.time(), megabytes, process.num_fds(), process.num_threads(), children)
                )

    def table(self) -> list[str]:
        """Give the medians of the first and the last quarter by role."""
        lines = ["| process | RSS MB | fds | threads | children |", "|---|---|---|---|---|"]
        for role, samples in sorted(self.taken.items()):
            cells = [f"{first:.0f} → {last:.0f}" for first, last in (self._ends(samples, name) for name in GROWTH)]
            lines.append(f"| {role} | {' | '.join(cells)} |")
        return lines

    def grown(self) -> list[str]:
        """Say what has grown more than it may."""
        found = []
        for role, samples in self.taken.items():
            for name, (times, more) in GROWTH.items():
                first, last = self._ends(samples, name)
                if last > first * times + more:
                    found.append(f"{name} of {role} went from {first:.0f} to {last:.0f}")
        return found

    @staticmethod
    def _ends(samples: list[Sample], name: str) -> tuple[float, float]:
        began, ended = samples[0].at, samples[-1].at
        quarter = (ended - began) / 4
        first = [getattr(sample, name) for sample in samples if sample.at <= began + quarter]
        last = [getattr(sample, name) for sample in samples if sample.at >= ended - quarter]
        return statistics.median(first), statistics.median(last)
