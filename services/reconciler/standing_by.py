"""The warm pool: how many wait in each zone, and which of them are no use; nothing is asked or done here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.domain.tasks import Task
from services.reconciler.actions import Action, ForgetIdle, LaunchIdle, StopIdle
from services.reconciler.memory import Memory
from services.reconciler.sight import Sight

STARTING = timedelta(minutes=3)
"""How long a worker may take from its order until it offers itself."""
SILENT_SECONDS = 15.0
"""For how long a row has to be over, and the same: after an outage of state every idle worker writes within 10 s."""
TOKEN_SECONDS = 60
"""Orders of one such span have the same tokens, whoever gives them: a start that is not listed yet is not repeated."""
STARTS_MAX = 20
POOL = "pool-"
"""So begin the tokens, and in the memory the names of zones in which a start has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingBy:
    """Keeps `size` idle workers of the newest version in each of `zones`."""

    size: int
    zones: Sequence[str]

    def decide(self, sight: Sight, memory: Memory) -> Iterator[Action]:
        """Give what follows for idle workers and their rows."""
        if sight.tasks is None:
            return
        useless = {task.id: reason for task in sight.idle if (reason := _why_useless(task, sight, memory)) is not None}
        for task_id, reason in useless.items():
            yield StopIdle(reason=reason, task_id=task_id, is_surplus=False)
        by_zone: dict[str, list[Task]] = {zone: [] for zone in self.zones}
        for task in sight.idle:
            if task.id not in useless:
                by_zone.setdefault(task.zone, []).append(task)
        unplaced = len(by_zone.pop("", ())) if "" not in self.zones else 0  # ECS has not said yet where they are
        for zone, tasks in by_zone.items():
            begun = _begun(zone, sight, memory)
            if memory.is_new(f"{POOL}{zone}", (row.id for row in sight.pool.values() if row.zone == zone)):
                memory.came(f"{POOL}{zone}")  # only now: what ECS starts may die before it is any use
            yield from self._surplus(zone, tasks, sight)
            missing = self._wanted(zone) - sum(not task.is_outdated for task in tasks)
            if missing > unplaced and memory.may_order(f"{POOL}{zone}"):
                yield from _refill(zone, missing - unplaced, begun, sight)
            unplaced = max(0, unplaced - max(0, missing))
        yield from _rows(sight, memory)

    def _wanted(self, zone: str) -> int:
        return self.size if zone in self.zones else 0

    def _surplus(self, zone: str, tasks: Sequence[Task], sight: Sight) -> Iterator[StopIdle]:
        wanted = self._wanted(zone)
        newest = [task for task in tasks if not task.is_outdated]
        ready = [task for task in newest if task.id in sight.pool]
        # The longest waiting stay: the others may not even have begun. Outdated ones go when as many can take over.
        kept = sorted(newest, key=lambda task: (task.id not in sight.pool, task.started_at, task.id))[:wanted]
        for task in tasks:
            if task.is_outdated and len(ready) >= wanted:
                yield StopIdle(reason="it runs an earlier version", task_id=task.id)
            elif not task.is_outdated and task not in kept:
                yield StopIdle(reason="there are more than are wanted", task_id=task.id)


def _span(moment: datetime) -> int:
    return int(moment.timestamp()) // TOKEN_SECONDS


def _begun(zone: str, sight: Sight, memory: Memory) -> int:
    """Count the workers that were started there in this span; of those that are over the tokens are used up as well."""
    of_zone = [task for task in (sight.tasks or {}).values() if task.zone == zone and task.session_id is None]
    span = _span(sight.now)
    return memory.starts(f"{POOL}{zone}", span, (task.id for task in of_zone if _span(task.started_at) == span))


def _refill(zone: str, missing: int, begun: int, sight: Sight) -> Iterator[LaunchIdle]:
    span = _span(sight.now)
    for number in range(begun, begun + min(missing, STARTS_MAX)):
        yield LaunchIdle(reason="the pool is not full", zone=zone, token=f"{POOL}{zone}-{span}-{number}")


def _why_useless(task: Task, sight: Sight, memory: Memory) -> str | None:
    """Say why an idle worker's task is no use to anybody, or None if it is, or may still be."""
    row = sight.pool.get(task.id)
    if row is None:
        return "it does not offer itself" if sight.now >= task.started_at + STARTING else None
    if row.is_alive(sight.now):
        return None
    return "it is silent" if memory.seconds(f"silent/{task.id}/{row.seen_at}") >= SILENT_SECONDS else None


def _rows(sight: Sight, memory: Memory) -> Iterator[Action]:
    """Forget rows whose tasks are no more; one may have offered itself that is not listed yet."""
    for row in sight.pool.values():
        is_needed = row.id in (sight.tasks or {}) or (row.session_id in sight.standings and row.is_alive(sight.now))
        if not is_needed and memory.seconds(f"row/{row.id}/{row.seen_at}") >= SILENT_SECONDS * 2:
            yield ForgetIdle(reason="its task is no more", task_id=row.id)
