"""The ECS service that this task belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.adapters import aws_errors, ecs_errors
from services.domain.errors import PlatformUnavailable
from services.domain.rollout import Deployment, Rollout

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

_GROUP = "service:"
_FAILED = "FAILED"


@dataclass(slots=True, kw_only=True)
class EcsService:
    """Finds the service by the task's own description, once, and then asks for its deployments."""

    client: ECSClient
    cluster: str
    task_arn: str
    _own: tuple[str, str] | None = field(default=None)

    def seen(self) -> Rollout | None:
        """Give how the service stands now, None where the task belongs to none; raise PlatformUnavailable."""
        with aws_errors.translated(PlatformUnavailable, "ECS", {}, service=ecs_errors.SERVICE):
            if self._own is None:
                self._own = self._described()
            service, deployment = self._own
            if not service:
                return None
            found = self.client.describe_services(cluster=self.cluster, services=[service])["services"]
        if not found:
            raise PlatformUnavailable(f"ECS knows no service {service} in {self.cluster}")
        return Rollout(own=deployment, deployments=[_deployment(each) for each in found[0]["deployments"]])

    def _described(self) -> tuple[str, str]:
        """Give the task's service, empty of none, and the deployment that started the task."""
        tasks = self.client.describe_tasks(cluster=self.cluster, tasks=[self.task_arn])["tasks"]
        if not tasks:
            raise PlatformUnavailable(f"ECS does not know this task, {self.task_arn}, yet")
        group, deployment = tasks[0].get("group", ""), tasks[0].get("startedBy", "")
        return (group.removeprefix(_GROUP) if group.startswith(_GROUP) else "", deployment)


def _deployment(told: Any) -> Deployment:  # noqa: ANN401 - as botocore gives it
    return Deployment(
        id=told["id"],
        is_primary=told["status"] == "PRIMARY",
        running=told.get("runningCount", 0),
        has_failed=told.get("rolloutState") == _FAILED,
    )
