from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from tests.admin.records import fill


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SqliteState]:
    """A state with a bit of everything."""
    with SqliteState(tmp_path / "source.db") as state:
        fill(state)
        yield state


@pytest.fixture
def target(tmp_path: Path) -> Iterator[SqliteState]:
    """An empty state."""
    with SqliteState(tmp_path / "target.db") as state:
        yield state
