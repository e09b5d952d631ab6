"""The settings of the admin commands."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import ValidationInfo, field_validator

from services.runtime.storage_settings import StorageSettings


class PlaceSettings(StorageSettings):
    """Where state and objects are.

    The commands run in the shell that starts the stack, so what is set for that may be set here as well.
    """

    also_known: ClassVar = frozenset(
        {
            "token", "rtmp_host", "min_free_bytes", "spool_bytes", "lease_seconds", "sinks", "give_up_seconds",
            "allowed_networks", "events", "backlog_seconds", "backlog_bytes",
        }
    )  # fmt: skip


class StateSettings(PlaceSettings):
    """Where state is; where objects are may be said as well, so that one environment does for all commands."""

    @field_validator("objects_path")
    @classmethod
    def _require_objects_path(cls, path: Path | None, _info: ValidationInfo) -> Path | None:
        return path
