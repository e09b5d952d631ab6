"""The worker's settings."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from services.runtime import ecs_metadata
from services.runtime.emf_settings import EmfSettings
from services.runtime.setting_types import MIN_FREE_BYTES, SPOOL_BYTES, MinFreeBytes, SpoolBytes
from services.runtime.storage_settings import StorageSettings

STOPPED_WITHIN_SECONDS = 115.0
"""ECS kills a task 120 s after it asks it to stop, at the latest."""


class WorkerSettings(StorageSettings, EmfSettings):
    """Ids come on the command line, all else that a worker needs to know stands in state.

    `advertised_host` is where others reach this worker's `control_port` (0: any that is free), and `zone` its
    availability zone; left empty both are what ECS says, and elsewhere this machine alone.
    """

    spool_path: Path
    pull_url: str = "rtmp://127.0.0.1:1935/stream"
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
    spool_bytes: SpoolBytes = SPOOL_BYTES
    reread_seconds: float = Field(default=2.0, gt=0, le=60)
    lease_seconds: float | None = Field(default=None, ge=3, le=300)
    advertised_host: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$")
    control_port: int = Field(default=0, ge=0, le=65535)
    zone: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    watchdog_seconds: float = Field(default=30.0, ge=0, le=600)
    stop_seconds: float = Field(default=14.0, gt=0, le=110)
    callback_url: str | None = None
    hand_over_seconds: float = Field(default=6.0, ge=0, le=100)
    events: bool = True

    @field_validator("hand_over_seconds")
    @classmethod
    def _fit_into_stop_timeout(cls, seconds: float, info: ValidationInfo) -> float:
        together = seconds + info.data.get("stop_seconds", 0.0)
        if os.environ.get(ecs_metadata.VARIABLE) and together > STOPPED_WITHIN_SECONDS:
            raise ValueError(
                f"is {together:g} s together with STREAMKEEP_STOP_SECONDS, and ECS kills a task 120 s after it asks it "
                f"to stop: make it {STOPPED_WITHIN_SECONDS:g} s at most"
            )
        return seconds

    @property
    def lease_ttl(self) -> timedelta:
        """How long a lease lasts; it is renewed three times as often."""
        return timedelta(seconds=self.lease_seconds or self.usual_lease_seconds)
