"""The tasks of a fleet as ECS lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from services.adapters import ecs_errors
from services.adapters.ecs_client import Pace, take
from services.adapters.ecs_fleet import POOL, STACK_TAG, Fleet
from services.adapters.ecs_running import Running, Wanted
from services.domain.tasks import Task

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ListTasksRequestTypeDef, TaskTypeDef

PAGE = 100
"""What one call lists, and what one call describes."""
REASON_CHARACTERS_MAX = 255
RUNNING: Final = "RUNNING"
STOPPED: Final = "STOPPED"
_TASK_ID = re.compile(r"[0-9a-f-]{32,36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsTasks:
    """Lists and stops a fleet's tasks, and starts idle ones; its cost grows with the tasks that live."""

    client: ECSClient
    fleet: Fleet
    pace: Pace
    running_tasks: Running

    def all(self) -> Sequence[Task]:
        """Give every worker's task that is not stopped or stopping, by when it was asked for; raise LaunchFailed.

        A worker of the warm pool has no session here, claimed or not: its row in state knows.
        """
        arns = list(self._arns())
        pages = (arns[begin : begin + PAGE] for begin in range(0, len(arns), PAGE))
        found = [self._task(each) for page in pages for each in self._described(page) if self._is_ours(each)]
        return sorted(found, key=lambda task: (task.started_at, task.id))

    def is_over(self, task_id: str) -> bool:
        """Say whether a task that ran has stopped, or ECS knows it no more; raise LaunchFailed.

        Of what is no task's id it cannot be said: a worker that is none of ECS's may hold a lease as well.
        """
        if not _TASK_ID.fullmatch(task_id):
            return False
        return all(task.get("lastStatus") == STOPPED for task in self._described([task_id]))

    def stop(self, task_id: str, reason: str) -> None:
        """Ask a task to end; nothing happens where it is gone. Raise LaunchFailed."""
        take(self.pace.stops)
        with self._translated():
            try:
                self.client.stop_task(cluster=self.fleet.cluster, task=task_id, reason=reason[:REASON_CHARACTERS_MAX])
            except ClientError as error:
                if not ecs_errors.is_gone(error):
                    raise

    def launch_idle(self, zone: str, *, token: str) -> None:
        """Start a worker of the warm pool in that zone; raise LaunchFailed."""
        wanted = Wanted(command=("--pool",), token=token, started_by=POOL)
        self.running_tasks.run(wanted, self.fleet.places(zone, elsewhere=False))

    def _arns(self) -> Iterator[str]:
        wanted: ListTasksRequestTypeDef = {
            "cluster": self.fleet.cluster,
            "family": self.fleet.family,
            "desiredStatus": RUNNING,
            "maxResults": PAGE,
        }
        while True:
            take(self.pace.reads)
            with self._translated():
                page = self.client.list_tasks(**wanted)
            yield from page["taskArns"]
            if not (following := page.get("nextToken")):
                return
            wanted["nextToken"] = following

    def _described(self, arns: Sequence[str]) -> Sequence[TaskTypeDef]:
        take(self.pace.reads)
        with self._translated():
            return self.client.describe_tasks(cluster=self.fleet.cluster, tasks=list(arns), include=["TAGS"])["tasks"]

    def _is_ours(self, task: TaskTypeDef) -> bool:
        """Say whether it is this deployment's and to go on: in a shared cluster others may use the family's name."""
        tags = {tag.get("key"): tag.get("value") for tag in task.get("tags", [])}
        return tags.get(STACK_TAG) == self.fleet.stack and task.get("desiredStatus") != STOPPED

    def _task(self, described: TaskTypeDef) -> Task:
        started_by = described.get("startedBy", "")
        return Task(
            id=described["taskArn"].rpartition("/")[2],
            session_id=None if started_by == POOL else started_by,
            # Of what is not dated, as some that speak the protocol leave it, nobody shall think that it is old.
            started_at=described.get("createdAt", datetime.now(UTC)).astimezone(UTC),
            zone=described.get("availabilityZone", ""),
            is_running=described.get("lastStatus") == RUNNING,
            is_outdated=self.fleet.is_outdated(described.get("taskDefinitionArn", "")),
        )

    def _translated(self) -> AbstractContextManager[None]:
        return ecs_errors.translated(f"ECS cluster {self.fleet.cluster}")
