"""Opens the adapters of ECS; what they need is imported only then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.adapters.ecs_fleet import Fleet
from services.domain.ports import Launcher
from services.domain.rollout import Rollouts
from services.domain.tasks import Tasks

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsWorkers:
    """A fleet of workers: what starts one for a session, and the list of all."""

    launcher: Launcher
    tasks: Tasks


def open_service(*, cluster: str, task_arn: str) -> Rollouts:
    """Look at the service to which a task belongs; nothing is asked yet. Raise LaunchFailed, saying what to do."""
    from services.adapters.ecs_client import ecs_client  # noqa: PLC0415 - boto3 takes a third of a second
    from services.adapters.ecs_service import EcsService  # noqa: PLC0415

    return EcsService(client=ecs_client(), cluster=cluster, task_arn=task_arn)


def open_fleet(
    *,
    cluster: str,
    task_definition: str,
    container: str,
    subnets: Mapping[str, tuple[str, ...]],
    security_groups: tuple[str, ...],
    public_ip: bool,
    capacity: Mapping[str, int],
    stack: str,
) -> EcsWorkers:
    """Open the workers of a deployment; nothing is asked yet. Raise LaunchFailed, saying what to do."""
    from services.adapters.ecs_client import ecs_client  # noqa: PLC0415 - as above

    fleet = Fleet(
        cluster=cluster,
        task_definition=task_definition,
        container=container,
        subnets=subnets,
        security_groups=security_groups,
        public_ip=public_ip,
        capacity=capacity,
        stack=stack,
    )
    return workers_of(fleet, ecs_client())


def workers_of(fleet: Fleet, client: ECSClient) -> EcsWorkers:
    """Give the workers of a fleet, with a client that is there already."""
    from services.adapters.ecs_client import Pace  # noqa: PLC0415 - as above
    from services.adapters.ecs_launcher import EcsLauncher  # noqa: PLC0415
    from services.adapters.ecs_running import Running  # noqa: PLC0415
    from services.adapters.ecs_tasks import EcsTasks  # noqa: PLC0415

    pace = Pace()
    running = Running(client=client, fleet=fleet, pace=pace)
    tasks = EcsTasks(client=client, fleet=fleet, pace=pace, running_tasks=running)
    return EcsWorkers(launcher=EcsLauncher(running_tasks=running), tasks=tasks)
