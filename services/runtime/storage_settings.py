"""Settings of the services that use state and objects."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from services.runtime.settings import Settings

Table = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
TABLE = "streamkeep"
BUCKET = "streamkeep"


State = Literal["sqlite", "dynamodb"]
Store = Literal["directory", "s3"]


def storage_variables(
    *, state: State, state_path: Path | None, table: str, store: Store, objects_path: Path | None, bucket: str
) -> dict[str, str]:
    """Give the variables that set `StorageSettings` so, with absolute paths, and the AWS_ ones where they matter."""
    paths = {
        "STATE_PATH": state_path if state == "sqlite" else None,
        "OBJECTS_PATH": objects_path if store == "directory" else None,
    }
    is_on_aws = state == "dynamodb" or store == "s3"
    return {
        "STREAMKEEP_STATE": state,
        "STREAMKEEP_TABLE": table,
        "STREAMKEEP_STORE": store,
        "STREAMKEEP_BUCKET": bucket,
        **{f"STREAMKEEP_{name}": str(path.absolute()) for name, path in paths.items() if path is not None},
        **{name: value for name, value in os.environ.items() if is_on_aws and name.startswith("AWS_")},
    }


class StorageSettings(Settings):
    """Where a service finds state and objects.

    SQLite is the file `state_path` and DynamoDB the table `table`; a directory is `objects_path` and S3 the bucket
    `bucket`. Region, credentials and endpoints of the last two are the usual AWS_ variables.
    """

    state: State = "sqlite"
    state_path: Path | None = Field(default=None, validate_default=True)
    table: Table = TABLE
    store: Store = "directory"
    objects_path: Path | None = Field(default=None, validate_default=True)
    bucket: Bucket = BUCKET

    @field_validator("state_path")
    @classmethod
    def _require_state_path(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None and info.data.get("state") == "sqlite":
            raise ValueError("must name the SQLite file, or STREAMKEEP_STATE be dynamodb")
        return path

    @field_validator("objects_path")
    @classmethod
    def _require_objects_path(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None and info.data.get("store") == "directory":
            raise ValueError("must name the directory, or STREAMKEEP_STORE be s3")
        return path

    @property
    def sqlite_path(self) -> Path | None:
        """The state file, or None where state is in DynamoDB."""
        return self.state_path if self.state == "sqlite" else None

    @property
    def usual_lease_seconds(self) -> float:
        """How long a lease lasts unless it is set: it is renewed three times as often, in DynamoDB for money."""
        return 60.0 if self.state == "dynamodb" else 15.0

    @property
    def directory_path(self) -> Path | None:
        """The directory of objects, or None where they are in S3."""
        return self.objects_path if self.store == "directory" else None

    def storage_variables(self) -> dict[str, str]:
        """Give the variables from which another service reads the same."""
        return storage_variables(
            state=self.state,
            state_path=self.state_path,
            table=self.table,
            store=self.store,
            objects_path=self.objects_path,
            bucket=self.bucket,
        )
