"""The worker's settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.runtime.setting_types import MIN_FREE_BYTES, SPOOL_BYTES, MinFreeBytes, SpoolBytes
from services.runtime.storage_settings import StorageSettings


class WorkerSettings(StorageSettings):
    """Ids come on the command line, all else that a worker needs to know stands in state."""

    spool_path: Path
    pull_url: str = "rtmp://127.0.0.1:1935/stream"
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
    spool_bytes: SpoolBytes = SPOOL_BYTES
    reread_seconds: float = Field(default=2.0, gt=0, le=60)
    lease_seconds: float | None = Field(default=None, ge=3, le=300)
    stop_seconds: float = Field(default=14.0, gt=0, le=110)
    callback_url: str | None = None
    hand_over_seconds: float = Field(default=6.0, ge=0, le=100)
    events: bool = True

    @property
    def lease_ttl(self) -> timedelta:
        """How long a lease lasts; it is renewed three times as often."""
        return timedelta(seconds=self.lease_seconds or self.usual_lease_seconds)
