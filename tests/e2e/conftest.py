from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.local.running import free_offset


@pytest.fixture(scope="session")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all tests that do not disturb it; each test makes channels of its own."""
    with Stack(tmp_path_factory.mktemp("stack") / "data", free_offset()) as running:
        yield running


@pytest.fixture(scope="session")
def stack(one_machine: Stack) -> Stack:
    """The stack of tests that run in one world only."""
    return one_machine


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that the test may kill and start again."""
    running = Stack(tmp_path / "data", free_offset())
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()
