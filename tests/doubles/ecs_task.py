"""One task of the fake ECS: its life follows from when things happened to it, so that no thread has to move it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PROVISIONING, PENDING, RUNNING = "PROVISIONING", "PENDING", "RUNNING"
STOPPING, STOPPED = "STOPPING", "STOPPED"
ACCOUNT = "123456789012"
REGION = "eu-central-1"


@dataclass(slots=True, kw_only=True)
class FakeTask:
    """What RunTask made; times are the plane's seconds, None while it has not come to that.

    `runs_at` is when its container is (to be) started.
    """

    id: str
    cluster: str
    request: dict[str, Any]
    zone: str
    capacity_provider: str
    created_at: float
    runs_at: float
    has_process: bool = False
    stop_asked_at: float | None = None
    stopped_at: float | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    exit_code: int | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{self.cluster}/{self.id}"

    @property
    def family(self) -> str:
        return str(self.request["taskDefinition"]).rpartition("/")[2].partition(":")[0]

    @property
    def started_by(self) -> str:
        return str(self.request.get("startedBy", ""))

    @property
    def overrides(self) -> dict[str, Any]:
        return dict(self.request.get("overrides", {}))

    @property
    def command(self) -> list[str]:
        """Give the container's command as it was overridden."""
        containers = self.overrides.get("containerOverrides", [{}])
        return [str(word) for word in containers[0].get("command", [])]

    @property
    def subnet(self) -> str:
        return str(self.request["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0])

    def is_to_run(self) -> bool:
        """Say whether its desired status is RUNNING."""
        return self.stop_asked_at is None and self.stopped_at is None

    def status(self, now: float) -> str:
        if self.stopped_at is not None:
            return STOPPED
        if self.stop_asked_at is not None:
            return STOPPING
        if now >= self.runs_at:
            return RUNNING
        half_way = self.created_at + (self.runs_at - self.created_at) / 2
        return PROVISIONING if now < half_way else PENDING

    def stop(self, code: str, reason: str, *, exit_code: int | None, now: float) -> None:
        """Let it be over."""
        if self.stopped_at is None:
            self.stopped_at, self.exit_code = now, exit_code
            self.stop_code, self.stopped_reason = self.stop_code or code, self.stopped_reason or reason

    def described(self, now: float, *, with_tags: bool) -> dict[str, Any]:
        """Give it as DescribeTasks does, as far as anybody here reads it."""
        times = {"createdAt": self.created_at, "stoppingAt": self.stop_asked_at, "stoppedAt": self.stopped_at}
        if now >= self.runs_at:
            times["startedAt"] = self.runs_at
        return {
            "taskArn": self.arn,
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{self.cluster}",
            "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{self.family}:1",
            "lastStatus": self.status(now),
            "desiredStatus": RUNNING if self.is_to_run() else STOPPED,
            "availabilityZone": self.zone,
            "capacityProviderName": self.capacity_provider,
            "launchType": "FARGATE",
            "startedBy": self.started_by,
            "group": f"family:{self.family}",
            "overrides": self.overrides,
            "containers": [{"name": "worker", "exitCode": self.exit_code}],
            "stopCode": self.stop_code or None,
            "stoppedReason": self.stopped_reason or None,
            "tags": [{"key": key, "value": value} for key, value in self.tags.items()] if with_tags else [],
            **{name: at for name, at in times.items() if at is not None},
        }

    def event(self, now: float) -> dict[str, Any]:
        """Give the "ECS Task State Change" that EventBridge would send of it now."""
        moment = datetime.fromtimestamp(now, UTC).isoformat()
        detail = self.described(now, with_tags=False)
        return {
            "version": "0",
            "id": f"{self.id}-{detail['lastStatus'].lower()}",
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT,
            "time": moment,
            "region": REGION,
            "resources": [self.arn],
            "detail": detail,
        }
