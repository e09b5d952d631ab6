"""Opens what the admin commands work on: the one place of this room that names adapters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from services.adapters.opening import State, open_state
from services.adapters.opening import prepare as prepare_storage
from services.admin.settings import StateSettings
from services.domain.errors import StateUnavailable
from services.runtime.storage_settings import StorageSettings


@contextmanager
def opened(settings: StateSettings, *, must_exist: bool) -> Iterator[State]:
    """Open the state while the block runs; a SQLite file that must exist is not made.

    Raise StateUnavailable, saying what to do.
    """
    path = settings.sqlite_path
    if must_exist and path is not None and not path.is_file():
        raise StateUnavailable(f"STREAMKEEP_STATE_PATH: there is no file {path}; name the state.db of the data folder")
    with closing(open_state(sqlite_path=path, table=settings.table)) as state:
        yield state


def prepare(settings: StorageSettings) -> Iterator[str]:
    """Make the table and the bucket where they are missing; say of each what was done, or raise Unavailable."""
    return prepare_storage(
        sqlite_path=settings.sqlite_path,
        table=settings.table,
        directory_path=settings.directory_path,
        bucket=settings.bucket,
    )
