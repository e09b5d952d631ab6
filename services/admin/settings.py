"""The settings of the admin commands."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationInfo, field_validator

from services.runtime.storage_settings import StorageSettings


class StateSettings(StorageSettings):
    """Where state is; where objects are may be said as well, so that one environment does for all commands."""

    @field_validator("objects_path")
    @classmethod
    def _require_objects_path(cls, path: Path | None, _info: ValidationInfo) -> Path | None:
        return path
