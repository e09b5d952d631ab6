"""Opens the adapters that the settings name.

What AWS needs is imported only when it is asked for: it takes a third of a second and 30 MB that one machine can spare.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain.gateways import GatewayStore
from services.domain.outbox import Outbox
from services.domain.pool import WorkerPool
from services.domain.ports import ChannelStore, LeaseStore, ObjectEraser, ObjectStore, Overview, SessionStore


class State(Protocol):
    """All that is kept besides objects."""

    @property
    def channels(self) -> ChannelStore:
        """Settings."""
        ...

    @property
    def sessions(self) -> SessionStore:
        """Broadcasts."""
        ...

    @property
    def leases(self) -> LeaseStore:
        """Who works for a broadcast."""
        ...

    @property
    def overview(self) -> Overview:
        """All of them together."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Events on their way to whoever subscribed."""
        ...

    @property
    def pool(self) -> WorkerPool:
        """Workers that wait for a session."""
        ...

    @property
    def gateways(self) -> GatewayStore:
        """Which gateways are up, and who is connected to each."""
        ...

    def close(self) -> None:
        """Let go of files and connections; later calls raise StateUnavailable."""
        ...


class Objects(ObjectStore, ObjectEraser, Protocol):
    """A store that can forget as well."""


def open_state(*, sqlite_path: Path | None, table: str) -> State:
    """Open the SQLite file, or (None) the DynamoDB table; raise StateUnavailable, saying what to do."""
    if sqlite_path is not None:
        return SqliteState(sqlite_path)
    from services.adapters.dynamodb_state import DynamodbState  # noqa: PLC0415 - see above

    return DynamodbState(table)


def open_store(
    *,
    directory_path: Path | None,
    bucket: str,
    min_free_bytes: int = 0,
    attempts: int = 1,
    read_seconds: float | None = None,
    may_list: bool = True,
) -> Objects:
    """Open the directory, or (None) the S3 bucket.

    A call to S3 is tried `attempts` times before it fails, each time until `read_seconds` of silence (None: as long as
    storing a large object may need). To who may not list the bucket, what is absent is forbidden (not `may_list`).
    """
    if directory_path is not None:
        return DirectoryStore(directory_path, min_free_bytes=min_free_bytes)
    from services.adapters.s3_store import S3Store  # noqa: PLC0415 - see above

    return S3Store(bucket, attempts=attempts, read_seconds=read_seconds, may_list=may_list)


def prepare(*, sqlite_path: Path | None, table: str, directory_path: Path | None, bucket: str) -> Iterator[str]:
    """Make the table and the bucket where they are missing, and say of each, in a line, what is there now.

    SQLite and a directory need nothing: they are made when they are opened.
    """
    if sqlite_path is None:
        from services.adapters import dynamodb_table  # noqa: PLC0415 - see above

        dynamodb_table.prepare(table)
        yield f"the DynamoDB table {table} is ready"
    else:
        yield f"the SQLite file {sqlite_path} needs no preparation"
    if directory_path is None:
        from services.adapters import s3_bucket  # noqa: PLC0415 - see above

        s3_bucket.prepare(bucket)
        yield f"the S3 bucket {bucket} is ready"
    else:
        yield f"the directory {directory_path} needs no preparation"
