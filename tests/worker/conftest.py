from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.media import Media
from tests.worker.a_worker import AWorker


@pytest.fixture
def anyio_backend() -> str:
    """Coroutine tests run on asyncio, as the worker does."""
    return "asyncio"


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media(tmp_path_factory.mktemp("media"))


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "objects")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with SqliteState(tmp_path / "state.db") as state:
        yield state


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[OpenGateway]:
    folder = tmp_path / "gateway"
    folder.mkdir()
    with open_gateway(folder) as gateway:
        yield gateway


@pytest.fixture
def worker(tmp_path: Path, gateway: OpenGateway) -> Iterator[AWorker]:
    with AWorker(tmp_path, gateway) as worker:
        yield worker
