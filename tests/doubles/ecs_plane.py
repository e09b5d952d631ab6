"""The fake ECS without a network: what its calls do, by a clock that is given, with the limits that AWS has.

It has no threads and does no I/O, so that it serves in virtual time as well.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from tests.doubles.ecs_answers import CAPACITY, Answer, Bucket, limits, throttled
from tests.doubles.ecs_task import ACCOUNT, REGION, STOPPED, FakeTask

TOKEN_SECONDS = 24 * 3600.0
STOPPED_KEPT_SECONDS = 3600.0


@dataclass(slots=True, kw_only=True)
class Plane:
    """One account's ECS in one region; `subnets` says in which zone each is.

    A task's container starts `start_seconds` after RunTask (`start_of` decides for each, if given). With
    `tokens_burn` a RunTask that gave only failures has used its token up.
    """

    now: Callable[[], float]
    start_seconds: float = 30.0
    start_of: Callable[[FakeTask], float] | None = None
    subnets: Mapping[str, str] = field(
        default_factory=lambda: {"subnet-a": "eu-central-1a", "subnet-b": "eu-central-1b", "subnet-c": "eu-central-1c"}
    )
    clusters: frozenset[str] = frozenset({"streamkeep"})
    families: frozenset[str] = frozenset({"worker"})
    has_limits: bool = True
    tokens_burn: bool = False
    changed: Callable[[FakeTask], None] = lambda _task: None
    new_id: Callable[[], UUID] = uuid4
    tasks: dict[str, FakeTask] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    empty: set[tuple[str, str]] = field(default_factory=set)  # (zone, capacity provider) without capacity
    planned: dict[str, deque[Answer | dict[str, Any]]] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    _tokens: dict[tuple[str, str], tuple[float, str, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.buckets:
            self.buckets = limits()

    def forget(self) -> None:
        """Know nothing of what was, and take settings that were changed back."""
        self.tasks.clear()
        self.calls.clear()
        self.empty.clear()
        self.planned.clear()
        self._tokens.clear()
        self.buckets, self.has_limits, self.tokens_burn = limits(), True, False

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what an operation of the API does; raise Answer."""
        self.calls.append((operation, body))
        if self.has_limits and not self.buckets[operation].take(self.now()):
            raise throttled()
        planned = self.planned.get(operation)
        if planned:
            answer = planned.popleft()
            if isinstance(answer, Answer):
                raise answer
            return answer
        if self._name(body.get("cluster", "default")) not in self.clusters:
            raise Answer(400, "ClusterNotFoundException", "Cluster not found.")
        done = {"RunTask": self._run, "StopTask": self._stop, "ListTasks": self._list, "DescribeTasks": self._describe}
        return done[operation](body)

    def plan(self, operation: str, *answers: Answer | dict[str, Any]) -> None:
        """Let the next calls answer so, in this order, and do nothing."""
        self.planned.setdefault(operation, deque()).extend(answers)

    def no_capacity(self, zone: str, *providers: str) -> None:
        """Let RunTask fail in a zone, for these capacity providers (none: for all) until `has_capacity`."""
        self.empty.update((zone, provider) for provider in providers or ("FARGATE", "FARGATE_SPOT"))

    def has_capacity(self, zone: str) -> None:
        self.empty = {pair for pair in self.empty if pair[0] != zone}

    def living(self) -> list[FakeTask]:
        """Give the tasks that are to run, oldest first."""
        return [task for task in self.tasks.values() if task.is_to_run()]

    def end(self, task_id: str, exit_code: int, reason: str = "Essential container in task exited") -> None:
        """Let a task's container be over by itself."""
        task = self.tasks[task_id]
        task.stop("EssentialContainerExited", reason, exit_code=exit_code, now=self.now())
        self.changed(task)

    def _run(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check(body)
        token, asked = (
            (body["cluster"], body.get("clientToken") or str(self.new_id())),
            json.dumps(body, sort_keys=True),
        )
        at, before, arn = self._tokens.get(token, (0.0, "", None))
        if before and self.now() < at + TOKEN_SECONDS:
            if before != asked:
                resources = [] if arn is None else [arn]
                raise Answer(400, "ConflictException", "The clientToken is used already.", resourceIds=resources)
            if arn is not None:
                task = self.tasks[arn.rpartition("/")[2]]
                return {"tasks": [task.described(self.now(), with_tags=True)], "failures": []}
        if self.has_limits and not self.buckets["launches"].take(self.now()):
            raise throttled()
        zone, provider = self._zone(body), self._provider(body)
        if (zone, provider) in self.empty:
            if self.tokens_burn:
                self._tokens[token] = (self.now(), asked, None)
            return {"tasks": [], "failures": [{"reason": CAPACITY}]}
        task = self._made(body, zone, provider)
        self._tokens[token] = (self.now(), asked, task.arn)
        self.changed(task)
        return {"tasks": [task.described(self.now(), with_tags=True)], "failures": []}

    def _check(self, body: dict[str, Any]) -> None:
        if body.get("launchType") and body.get("capacityProviderStrategy"):
            raise Answer(400, "InvalidParameterException", "Specify launchType or capacityProviderStrategy, not both.")
        if self._name(body["taskDefinition"]).partition(":")[0] not in self.families:
            raise Answer(400, "InvalidParameterException", "TaskDefinition not found.")
        network = body.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        for subnet in network.get("subnets", [""]):
            if subnet not in self.subnets:
                told = f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does not exist"
                raise Answer(400, "InvalidParameterException", f"{told} (ErrorCode: InvalidSubnetID.NotFound)")
        if len(body.get("clientToken", "")) > 64:
            raise Answer(400, "InvalidParameterException", "clientToken is longer than 64 characters.")

    def _made(self, body: dict[str, Any], zone: str, provider: str) -> FakeTask:
        now = self.now()
        task = FakeTask(
            id=self.new_id().hex,
            cluster=self._name(body["cluster"]),
            request=body,
            zone=zone,
            capacity_provider=provider,
            created_at=now,
            runs_at=now + self.start_seconds,
            tags={tag["key"]: tag["value"] for tag in body.get("tags", [])},
        )
        if self.start_of is not None:
            task.runs_at = now + self.start_of(task)
        self.tasks[task.id] = task
        return task

    def _stop(self, body: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(self._name(body["task"]))
        if task is None:
            raise Answer(400, "InvalidParameterException", "The referenced task was not found.")
        if task.is_to_run():
            task.stop_asked_at, task.stop_code = self.now(), "UserInitiated"
            task.stopped_reason = str(body.get("reason", "Task stopped by user"))
            if not task.has_process:
                task.stop("UserInitiated", "", exit_code=None, now=self.now())
            self.changed(task)
        return {"task": task.described(self.now(), with_tags=False)}

    def _list(self, body: dict[str, Any]) -> dict[str, Any]:
        wants_stopped = body.get("desiredStatus") == STOPPED
        found = [
            task.arn
            for task in self.tasks.values()
            if task.is_to_run() != wants_stopped
            and body.get("family") in (None, task.family)
            and body.get("startedBy") in (None, task.started_by)
        ]
        begin, limit = int(body.get("nextToken") or 0), int(body.get("maxResults") or 100)
        more = {"nextToken": str(begin + limit)} if len(found) > begin + limit else {}
        return {"taskArns": found[begin : begin + limit], **more}

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        if len(body["tasks"]) > 100:
            raise Answer(400, "InvalidParameterException", "Tasks cannot have more than 100 elements.")
        known = {arn: self.tasks.get(self._name(arn)) for arn in body["tasks"]}
        oldest, with_tags = self.now() - STOPPED_KEPT_SECONDS, "TAGS" in body.get("include", [])
        seen = {arn: task for arn, task in known.items() if task and (task.stopped_at or self.now()) > oldest}
        return {
            "tasks": [task.described(self.now(), with_tags=with_tags) for task in seen.values()],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in known if arn not in seen],
        }

    def _zone(self, body: dict[str, Any]) -> str:
        return self.subnets[body["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0]]

    def _provider(self, body: dict[str, Any]) -> str:
        """Give the first of the strategy; AWS draws one by weight."""
        strategy = body.get("capacityProviderStrategy") or [{"capacityProvider": "FARGATE"}]
        return str(strategy[0]["capacityProvider"])

    def _name(self, arn: str) -> str:
        return arn.rpartition("/")[2]


def arn_of_cluster(name: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}"
