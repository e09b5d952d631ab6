from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metadata.callback_double import callback_double
from tests.metadata.running import Running, running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that the tests of one module share: each works on channels of its own."""
    with callback_double() as callback, running(tmp_path_factory.mktemp("shared"), callback) as service:
        yield service


@pytest.fixture
def fresh_service(tmp_path: Path) -> Iterator[Running]:
    """A service with nothing in it, which a test may also break."""
    with callback_double() as callback, running(tmp_path, callback) as service:
        yield service
