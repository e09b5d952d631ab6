from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.driven import Driven


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.close()
