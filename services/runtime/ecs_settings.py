"""The settings of the services that run workers as tasks of ECS."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypedDict

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from services.runtime.settings import Settings

_ZONE = r"[a-z0-9-]{1,64}"
_ID = r"[A-Za-z0-9-]{1,64}"
_SUBNETS = re.compile(f"{_ZONE}={_ID}(,{_ZONE}={_ID})*")
_GROUPS = re.compile(f"{_ID}(,{_ID})*")
_CAPACITY = re.compile(r"(FARGATE|FARGATE_SPOT):(\d{1,4})(,(FARGATE|FARGATE_SPOT):(\d{1,4}))?")

CONTAINER = "worker"
CAPACITY = "FARGATE:1"


def _subnets_form(spelled: str) -> str:
    if not _SUBNETS.fullmatch(spelled):
        raise ValueError("name each zone with its subnet, zone=subnet[,zone=subnet]")
    return spelled


def _groups_form(spelled: str) -> str:
    if not _GROUPS.fullmatch(spelled):
        raise ValueError("name security groups, group[,group]")
    return spelled


def _capacity_form(spelled: str) -> str:
    weights = capacity(spelled) if _CAPACITY.fullmatch(spelled) else {}
    if len(weights) != spelled.count(":") or not any(weights.values()):
        raise ValueError("give weights, as in FARGATE:1 or FARGATE_SPOT:3,FARGATE:1, and not all of them 0")
    return spelled


def subnets(spelled: str) -> dict[str, tuple[str, ...]]:
    """Read subnets by their zone, in the order in which the zones are named first."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in spelled.split(","):
        zone, _, subnet = pair.partition("=")
        found[zone] = (*found.get(zone, ()), subnet)
    return found


def capacity(spelled: str) -> dict[str, int]:
    """Read the weights of capacity providers."""
    pairs = (pair.partition(":") for pair in spelled.split(","))
    return {provider: int(weight) for provider, _, weight in pairs}


class FleetSettings(TypedDict):
    """What `adapters.ecs_opening.open_fleet` is called with."""

    cluster: str
    task_definition: str
    container: str
    subnets: dict[str, tuple[str, ...]]
    security_groups: tuple[str, ...]
    public_ip: bool
    capacity: dict[str, int]
    stack: str


_REQUIRED = {
    "cluster": "name the ECS cluster",
    "worker_task": "name the task definition of workers, its family or ARN",
    "subnets": "name each zone with its subnet, zone=subnet[,zone=subnet]",
    "security_groups": "name the workers' security groups, group[,group]",
    "tags_stack": "name the deployment, so that its tasks are known by it",
}
_OTHERS = ("worker_container", "public_ip", "capacity")


class EcsSettings(Settings):
    """Where workers run as tasks; each of these is refused unless STREAMKEEP_LAUNCHER is ecs.

    `subnets` are by availability zone; `capacity` are the weights of capacity providers; `tags_stack` stands in each
    task's tag `streamkeep:stack`.
    """

    launcher: str = "ecs"
    cluster: Annotated[str, Field(pattern=r"^[A-Za-z0-9:/_-]{1,255}$")] | None = None
    worker_task: Annotated[str, Field(pattern=r"^[A-Za-z0-9:/_-]{1,255}$")] | None = None
    worker_container: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")] | None = None
    subnets: Annotated[str, AfterValidator(_subnets_form)] | None = None
    security_groups: Annotated[str, AfterValidator(_groups_form)] | None = None
    public_ip: bool | None = None
    capacity: Annotated[str, AfterValidator(_capacity_form)] | None = None
    tags_stack: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,128}$")] | None = None

    @field_validator(*_REQUIRED, *_OTHERS)
    @classmethod
    def _belongs_to_ecs(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - of several types
        launcher, remedy = info.data.get("launcher"), _REQUIRED.get(info.field_name or "")
        if launcher == "ecs" and value is None and remedy is not None:
            raise ValueError(f"{remedy}, as STREAMKEEP_LAUNCHER is ecs")
        if launcher not in ("ecs", None) and value is not None:
            raise ValueError("has a meaning only where STREAMKEEP_LAUNCHER is ecs: remove it, or set that")
        return value

    @property
    def fleet(self) -> FleetSettings:
        """What the ECS adapters are opened with, where the launcher is ecs."""
        return FleetSettings(
            cluster=self.cluster or "",
            task_definition=self.worker_task or "",
            container=self.worker_container or CONTAINER,
            subnets=subnets(self.subnets or ""),
            security_groups=tuple((self.security_groups or "").split(",")),
            public_ip=bool(self.public_ip),
            capacity=capacity(self.capacity or CAPACITY),
            stack=self.tags_stack or "",
        )
