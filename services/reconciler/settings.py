"""Settings of the reconciler."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from services.runtime.ecs_settings import EcsSettings
from services.runtime.emf_settings import EmfSettings
from services.runtime.storage_settings import StorageSettings

QueueUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S+$")]


class ReconcilerSettings(StorageSettings, EcsSettings, EmfSettings):
    """What the reconciler reads; `_seconds` say their unit.

    With `launcher` none workers are seen to by their own machine's gateway, and this service keeps rows and retention
    only. `pool_size` idle workers stand by in each zone of `subnets`. `task_events_queue` is the SQS queue into which
    EventBridge puts what happens to tasks: it makes sweeps prompt, nothing depends on it. What is taken down is
    taken out of the CloudFront `distribution`, too. Without `safety_stop` a sweep
    may end whatever it finds to be over.
    """

    launcher: Literal["none", "ecs"] = "none"
    host: str = "127.0.0.1"
    port: int = Field(default=8005, ge=0, le=65_535)
    pool_size: int = Field(default=0, ge=0, le=1_000)
    sweep_seconds: float | None = Field(default=None, gt=0, le=30)
    task_events_queue: QueueUrl | None = None
    distribution: str | None = Field(default=None, pattern=r"^[A-Z0-9]{8,32}$")
    lease_seconds: float | None = Field(default=None, ge=3, le=300)
    safety_stop: bool = True
    events: bool = True

    @field_validator("pool_size", "task_events_queue")
    @classmethod
    def _belongs_to_tasks(cls, value: int | str | None, info: ValidationInfo) -> int | str | None:
        if value and info.data.get("launcher") == "none":
            raise ValueError("has a meaning only where STREAMKEEP_LAUNCHER is ecs: remove it, or set that")
        return value

    @property
    def usual_sweep_seconds(self) -> float:
        """How often all is compared unless it is set: each look at DynamoDB and ECS is paid for."""
        return self.sweep_seconds or (5.0 if self.state == "dynamodb" else 2.0)

    @property
    def worker_lease_seconds(self) -> float:
        """How long the lease of a worker lasts."""
        return self.lease_seconds or self.usual_lease_seconds

    @property
    def term_seconds(self) -> float:
        """How long the reconciler's own lease lasts: another takes over so long after this one has vanished."""
        return 60.0 if self.state == "dynamodb" else 30.0
