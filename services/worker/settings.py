"""The worker's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from services.runtime.setting_types import MIN_FREE_BYTES, MinFreeBytes
from services.runtime.settings import OneMachineSettings


class WorkerSettings(OneMachineSettings):
    """Ids come on the command line, all else that a worker needs to know stands in state."""

    spool_path: Path
    pull_url: str = "rtmp://127.0.0.1:1935/stream"
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
    reread_seconds: float = Field(default=2.0, gt=0, le=60)
    lease_seconds: float = Field(default=15.0, ge=3, le=300)
    stop_seconds: float = Field(default=14.0, gt=0, le=110)
