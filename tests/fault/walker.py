"""Walks: puts channels on air, lets the faults happen, and ends every broadcast."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import psutil

from tests.fault.faults import FAULTS, OTHER_CLIPS, pause
from tests.fault.samples import Samples
from tests.fault.schedule import LOSS_BUDGET, MEAN_PAUSE, Step, schedule
from tests.fault.world import Air, World
from tests.numbered import NumberedClip
from tests.waiting import eventually

KEPT = 0.99
END_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a walk is made of."""

    seed: int
    seconds: float = 180
    channels: int = 3
    store: str = "s3"
    state: str = "dynamodb"
    only: Collection[str] = ()
    without: Collection[str] = ()
    mean: float = MEAN_PAUSE
    budget: float = LOSS_BUDGET

    @property
    def kept(self) -> float:
        """Give the share that must be captured: a little less than what the budget leaves."""
        return 1 - self.budget / LOSS_BUDGET * (1 - KEPT)

    def kinds(self) -> list[str]:
        """Give the faults that this world can have."""
        absent = {*["store"] * (self.store == "directory"), *["state"] * (self.state == "sqlite")}
        return [
            name
            for name, fault in FAULTS.items()
            if fault.needs not in absent and (not self.only or name in self.only) and name not in self.without
        ]

    def steps(self) -> list[Step]:
        return schedule(self.seed, self.seconds, self.channels, self.kinds(), mean=self.mean, budget=self.budget)


@dataclass(slots=True)
class Walker:
    """Walks in a world; `done` are the steps with the wall clock of their begin, `failures` what must not be."""

    world: World
    walk: Walk
    airs: list[Air] = field(default_factory=list)
    done: list[tuple[Step, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def go(self) -> Samples:
        """Walk, and end every broadcast; give what the processes used meanwhile."""
        steps = self.walk.steps()
        clip = NumberedClip(seconds=self.walk.seconds + 120)
        self.world.media.file(clip)
        for _ in range(self.walk.channels):
            air = self.world.air(clip)  # one after the other: starting at once is no fault of this walk
            self.airs.append(air)
            air.until_segments(1)
            self.world.session_ids[air.id] = str(air.session["id"])
        for name in {step.fault for step in steps} & set(OTHER_CLIPS):
            self.world.clip(OTHER_CLIPS[name])  # made before its time
        with Samples(self.world) as samples:
            self._take_all(steps)
        self._end()
        return samples

    def _take_all(self, steps: list[Step]) -> None:
        began = time.monotonic()
        threads: list[threading.Thread] = []
        for step in steps:
            _until(began + step.at)
            print(time.strftime("%H:%M:%S", time.gmtime()), step, flush=True)
            thread = threading.Thread(target=self._take, args=(step,), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(60)
        _until(began + self.walk.seconds)

    def _take(self, step: Step) -> None:
        self.done.append((step, time.time()))
        try:
            FAULTS[step.fault].act(self.world, self.airs[step.channel], step.seconds)
        except Exception:  # noqa: BLE001 - whatever a fault meets is told
            self.failures.append(f"{step}: the fault itself failed: {traceback.format_exc(limit=3)}")

    def _end(self) -> None:
        for proxy in (self.world.store, self.world.state):
            if proxy is not None:
                proxy.heal()
        for air in self.airs:
            with self._told(f"channel {air.id} does not end"):
                air.end(within=END_SECONDS)
            sessions = self.world.stack.sessions(air.id)
            if len(sessions) != 1:
                self.failures.append(f"channel {air.id} has {len(sessions)} sessions for one broadcast")
        with self._told("workers, ffmpeg or picture children are left"):
            eventually(lambda: not self._capturing(), within=15, what="no process captures")
        with self._told("the spool is not empty"):
            eventually(lambda: not self.world.spool_files(), within=15, what=f"{self.world.spool_files()[:5]}")

    def _capturing(self) -> list[psutil.Process]:
        return [process for air in self.airs for process in self.world.processes(air.id)]

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            self.failures.append(f"{what}: {error}")


def _until(moment: float) -> None:
    """Wait until a moment of the monotonic clock."""
    pause(max(0.0, moment - time.monotonic()))
