"""What a sweep sees: gateways, sessions and tasks as each says of itself, put side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.domain.clock import Clock
from services.domain.errors import LaunchFailed
from services.domain.gateways import Gateway, GatewayStore
from services.domain.pool import IdleWorker, WorkerPool
from services.domain.ports import Overview
from services.domain.session import Lease
from services.domain.standing import Standing
from services.domain.tasks import Task, Tasks

log = structlog.get_logger()


def task_of(lease: Lease | None) -> str:
    """Give the task whose worker holds a lease: its holder's name begins with it; empty where nobody does."""
    return "" if lease is None else lease.holder.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Everything at one moment; `at` is that moment on a clock that nobody sets (s).

    Each open session is in `standings`, by its id. `tasks` is None where the platform did not answer, or there is none:
    then nothing can be said of workers. What is stored may have changed since: who does harm by it asks again.
    """

    now: datetime
    at: float
    standings: Mapping[str, Standing]
    gateways: Mapping[str, Gateway]
    pool: Mapping[str, IdleWorker]
    tasks: Mapping[str, Task] | None
    by_session: Mapping[str, Sequence[Task]] = field(init=False)
    idle: Sequence[Task] = field(init=False)

    def __post_init__(self) -> None:
        """Find for whom each task works."""
        holders = {task_of(each.lease): session_id for session_id, each in self.standings.items()}
        by_session: dict[str, list[Task]] = {}
        idle: list[Task] = []
        for task in (self.tasks or {}).values():
            session_id = self._session_of(task) or holders.get(task.id)
            (idle if session_id is None else by_session.setdefault(session_id, [])).append(task)
        object.__setattr__(self, "by_session", by_session)
        object.__setattr__(self, "idle", idle)

    def _session_of(self, task: Task) -> str | None:
        """Give what a task was started or claimed for."""
        row = self.pool.get(task.id)
        return task.session_id or (None if row is None else row.session_id)


TASKS_A_SECOND = 500
"""So many are listed at the most: two calls for each hundred, half of the 20 calls a second that ECS allows, which
others need as well. A list that is older for that tells of dead tasks later; nothing that it says is believed alone."""


@dataclass(slots=True, kw_only=True)
class Observer:
    """Reads it all: a few calls, and some more for each hundred open sessions and tasks; they block."""

    overview: Overview
    gateways: GatewayStore
    pool: WorkerPool
    tasks: Tasks | None
    clock: Clock
    monotonic: Callable[[], float]
    _listed: Mapping[str, Task] | None = None
    _listed_until: float = 0.0

    def look(self) -> Sight:
        """Give what is there now; raise StateUnavailable."""
        tasks = self._tasks()  # first, so that no task seems to lack the session that it was started for
        standings = {each.session.id: each for each in self.overview.open_sessions() if each.session is not None}
        return Sight(
            now=self.clock.now(),
            at=self.monotonic(),
            standings=standings,
            gateways={each.name: each for each in self.gateways.all()},
            pool={each.id: each for each in self.pool.all()},
            tasks=tasks,
        )

    def _tasks(self) -> Mapping[str, Task] | None:
        if self.tasks is None or (self._listed is not None and self.monotonic() < self._listed_until):
            return self._listed
        try:
            self._listed = {task.id: task for task in self.tasks.all()}
        except LaunchFailed as error:
            log.warning("tasks_unknown", error=str(error))
            return None
        self._listed_until = self.monotonic() + len(self._listed) // 100 * 100 / TASKS_A_SECOND
        return self._listed
