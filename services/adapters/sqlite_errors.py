"""The one place where sqlite3's errors become ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.domain.errors import StateFull, StateUnavailable, StreamkeepError

# The most specific class that matches decides. IntegrityError never means a conflict here: those are told by the
# number of rows that a statement changed.
ERRORS: Mapping[type[sqlite3.Error], type[StreamkeepError]] = {
    sqlite3.Error: StateUnavailable,
    sqlite3.InterfaceError: StateUnavailable,
    sqlite3.DatabaseError: StateUnavailable,
    sqlite3.DataError: StateUnavailable,
    sqlite3.IntegrityError: StateUnavailable,
    sqlite3.InternalError: StateUnavailable,
    sqlite3.NotSupportedError: StateUnavailable,
    sqlite3.OperationalError: StateUnavailable,
    sqlite3.ProgrammingError: StateUnavailable,
}

REMEDIES: Mapping[str, str] = {
    "SQLITE_BUSY": "another process keeps it locked",
    "SQLITE_CANTOPEN": "it cannot be opened; check the folder and its permissions",
    "SQLITE_CORRUPT": "it is damaged; restore it from a backup",
    "SQLITE_FULL": "its disk is full; make room",
    "SQLITE_IOERR": "its disk fails to read or write",
    "SQLITE_NOTADB": "it is not a SQLite file; name another path",
    "SQLITE_READONLY": "it cannot be written; check its owner and permissions",
}


def _primary_name(error: sqlite3.Error) -> str:
    """Give `SQLITE_IOERR` for `SQLITE_IOERR_WRITE` and the like, or nothing for an error of the module itself."""
    name: str = getattr(error, "sqlite_errorname", "")
    return "_".join(name.split("_")[:2])


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise our error for any of sqlite3's that leaves the block, naming the file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        ours = next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)
        if _primary_name(error) == "SQLITE_FULL":
            ours = StateFull
        remedy = REMEDIES.get(_primary_name(error), "SQLite refused the call")
        raise ours(f"state file {path}: {remedy} ({error})") from error
    except OSError as error:
        raise StateUnavailable(f"state file {path}: {error.strerror}") from error
