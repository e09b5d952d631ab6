from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.e2e.stack import stack_on_aws as on_aws
from tests.emulators import Emulators
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
    with closed_at_last(Stack(tmp_path / "data", free_offset())) as running:
        yield running


@pytest.fixture
def own_stack_on_aws(tmp_path: Path, emulators: Emulators) -> Iterator[Stack]:
    """Such a stack with its state in DynamoDB and its objects in S3."""
    with closed_at_last(on_aws(tmp_path / "data", free_offset(), emulators.url("ministack"))) as running:
        yield running


@contextmanager
def closed_at_last(running: Stack) -> Iterator[Stack]:
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()
    running.api.close()
