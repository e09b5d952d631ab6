"""A platform in virtual time: tasks that are asked for, start after a while, are stopped and die."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.domain.errors import LaunchFailed
from services.domain.pool import WorkerPool
from services.domain.ports import LaunchOrder
from services.domain.tasks import Task
from tests.reconciler.world.trouble import Trouble
from tests.reconciler.world.virtual_time import VirtualTime

STOP_SECONDS = 120.0
ZONES = ("a", "b")


class Program(Protocol):
    """What runs in a task."""

    def tick(self) -> None: ...

    def terminate(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class RunningTask:
    id: str
    order: LaunchOrder | None  # None: of the warm pool
    zone: str
    asked_for: datetime
    listed_from: float
    begins_at: float
    program: Program | None = None
    kill_at: float | None = None
    fails_at: float | None = None
    is_over: bool = False

    @property
    def is_to_run(self) -> bool:
        return not self.is_over and self.kill_at is None


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Satisfies the Tasks and the Launcher port; `start` makes a task's program when its time has come."""

    time: VirtualTime
    trouble: Trouble
    start: Callable[[RunningTask], Program]
    ended: Callable[[RunningTask], None] = lambda _task: None
    stopping: Callable[[RunningTask, str], None] = lambda _task, _reason: None
    tasks: dict[str, RunningTask] = field(default_factory=dict)
    calls: int = 0
    _tokens: dict[str, str] = field(default_factory=dict)

    def launch(self, order: LaunchOrder) -> None:
        self._run(f"{order.session_id}-{order.epoch}-{order.attempt}", order, order.zone or ZONES[0])

    def launch_idle(self, zone: str, *, token: str) -> None:
        self._run(token, None, zone)

    def _run(self, token: str, order: LaunchOrder | None, zone: str) -> None:
        self._called()
        if self.trouble.happens(self.trouble.refused):
            raise LaunchFailed("Rate exceeded")
        if token not in self._tokens:
            chance = self.trouble.chance
            never = self.trouble.happens(self.trouble.never_starts)
            number = len(self.tasks) + 1
            task = RunningTask(
                id=f"t{number}",
                order=order,
                zone=zone,
                asked_for=self.time.now(),
                listed_from=self.time.seconds + chance.uniform(0, self.trouble.listed_late),
                begins_at=self.time.seconds + (1e9 if never else chance.uniform(5, 45)),
                fails_at=self.time.seconds + 60 if never else None,
            )
            self.tasks[task.id] = task
            self._tokens[token] = task.id
        if self.trouble.happens(self.trouble.launches_unheard):
            raise LaunchFailed("the answer was lost")

    def running(self) -> None:
        return None

    def kill(self, session_id: str) -> None:
        raise NotImplementedError

    def all(self) -> Sequence[Task]:
        self._called()
        return [
            Task(
                id=task.id,
                session_id=None if task.order is None else task.order.session_id,
                started_at=task.asked_for,
                zone=task.zone,
                is_running=task.program is not None,
            )
            for task in self.tasks.values()
            if task.is_to_run and task.listed_from <= self.time.seconds
        ]

    def is_over(self, task_id: str) -> bool:
        self._called()
        task = self.tasks.get(task_id)
        return task is None or task.is_over

    def stop(self, task_id: str, reason: str) -> None:
        self._called()
        task = self.tasks.get(task_id)
        if task is not None and task.is_to_run:
            self.stopping(task, reason)
            self.terminate(task)

    def terminate(self, task: RunningTask) -> None:
        """Ask a task to end, and kill it later: as at a deploy, or when spare capacity is taken back."""
        task.kill_at = self.time.seconds + STOP_SECONDS
        if task.program is None:
            self.end(task)
        else:
            task.program.terminate()

    def end(self, task: RunningTask) -> None:
        """Let a task be over now."""
        if not task.is_over:
            task.is_over, task.program = True, None
            self.ended(task)

    def tick(self) -> None:
        for task in [task for task in self.tasks.values() if not task.is_over]:
            over_at = task.kill_at or task.fails_at
            if over_at is not None and self.time.seconds >= over_at:
                self.end(task)
            elif task.program is not None:
                task.program.tick()
            elif self.time.seconds >= task.begins_at:
                task.program = self.start(task)

    def _called(self) -> None:
        self.calls += 1
        self.trouble.ask_platform()


@dataclass(frozen=True, slots=True)
class PooledFleet:
    """A launcher that takes an idle worker first, as the services' own does."""

    fleet: Fleet
    pool: WorkerPool

    def launch(self, order: LaunchOrder) -> None:
        worker = self.pool.claim(order.channel_id, order.session_id, zone=order.zone, now=self.fleet.time.now())
        if worker is None:
            self.fleet.launch(order)

    def running(self) -> None:
        return None

    def kill(self, session_id: str) -> None:
        raise NotImplementedError
