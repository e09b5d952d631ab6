"""Several channels at once in one world: each fault is a story of one channel, told in a thread of its own.

def ffmpeg_is_killed(world: World) -> Told: ...          # puts a channel on air, does its worst, ends it

stories = Stories(world, [ffmpeg_is_killed, …])
told = stories.told(ffmpeg_is_killed)                    # waits until all are over: verifying would disturb them
told.figures["replaced"], told.report.findings
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import psutil

from tests.fault.world import Air, World
from tests.verifier.record import Entry, Record, read
from tests.verifier.report import Report
from tests.waiting import eventually

RATE = 25
CLOCK_SECONDS = 0.2  # by which times of manifest and publisher may differ
DEADLINE_SECONDS = 110.0
AT_ONCE = 5
"""More channels that begin together would wait for one another on a small machine."""


@dataclass
class Told:
    """What happened to a channel: figures that were taken on the way (s), and what the verifier says at the end."""

    air: Air
    figures: dict[str, float] = field(default_factory=dict)

    @cached_property
    def report(self) -> Report:
        """Verify the channel's session against what was published."""
        return self.air.verify()

    @cached_property
    def record(self) -> Record:
        """Read the session's manifest."""
        found = read(self.air.world.stored(), str(self.air.session["id"]), Report(""))
        assert found is not None
        return found

    @property
    def lost(self) -> float:
        """Give the seconds of video that the output lacks that lost most since capture began."""
        began = self._began + CLOCK_SECONDS
        return max(sum(due > began for due in missing) for missing in self.report.missing.values()) / RATE

    @property
    def causes(self) -> set[str]:
        """Give the causes of the gaps since capture began that name recordings or HLS."""
        gaps = [gap for gap in self.record.gaps if gap.start >= self._began]
        return {gap.more["cause"] for gap in gaps if set(gap.more["outputs"]) & {"recordings", "hls"}}

    @property
    def _began(self) -> float:
        """Give when capture began (epoch s): how fast a worker starts on a busy machine is another matter."""
        return self.record.parts[0].start

    def whole(self) -> str:
        """Say all there is to say, for a test that fails."""
        return "\n".join([*self.report.lines(), str(self.figures), *(str(gap.more) for gap in self.record.gaps)])

    def pictures(self) -> list[Entry]:
        return self.record.of("snapshot")

    def longest_without_picture(self) -> float:
        """Give the longest time between two pictures (s)."""
        times = [entry.at for entry in self.pictures()]
        return max(after - before for before, after in pairwise(times))


Story = Callable[[World], Told]


class Stories:
    """Begins some stories, and another whenever one has ended; each is to make its own channel and to end it."""

    def __init__(self, world: World, stories: Sequence[Story]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._futures: dict[Story, Future[Told]] = {story: self._pool.submit(story, world) for story in stories}

    def told(self, story: Story) -> Told:
        """Wait for the end of all, and give how this one went; raise what it raised."""
        wait(self._futures.values(), timeout=DEADLINE_SECONDS)
        told = self._futures[story].result(timeout=0)
        figures = ", ".join(f"{name} {value:.2f}" for name, value in told.figures.items())
        print(f"{story.__name__}: {figures}; lost {told.lost:.2f} s; {told.report.lines()[-1]}")
        return told

    def close(self) -> None:
        """See all threads ended."""
        self._pool.shutdown(cancel_futures=True)


def replaced(look: Callable[[], psutil.Process | None], strike: Callable[[psutil.Process], None]) -> float:
    """Do something to the process that `look` gives, and give the seconds until it gives another."""
    victim = eventually(look, within=15, what="a process to harm")
    began = time.monotonic()
    strike(victim)
    eventually(lambda: _another(look(), victim), within=40, what=f"another process than {victim}")
    return time.monotonic() - began


def _another(found: psutil.Process | None, victim: psutil.Process) -> psutil.Process | None:
    return None if found is None or found.pid == victim.pid else found


def gone(process: psutil.Process, within: float) -> float:
    """Wait until a process has ended, and give how long it took (s)."""
    began = time.monotonic()
    eventually(lambda: not _runs(process), within=within, what=f"{process} ends")
    return time.monotonic() - began


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def events(world: World, name: str, **fields: object) -> Iterator[dict[str, Any]]:
    """Give the events of that name in the stack's log, which must be JSON, that have these fields."""
    for line in world.stack.log.read_text(errors="replace").splitlines():
        if name not in line:
            continue
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event.get("event") == name and fields.items() <= event.items():
                yield event
