"""Fixtures: each test of a contract runs once for every adapter in worlds.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.domain.ports import ObjectStore
from tests.contract.racing import Racers
from tests.contract.worlds import LAUNCH_WORLDS, STATES, STORES, LaunchWorld, State


@pytest.fixture(params=sorted(STATES))
def state_world(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def state(state_world: str, tmp_path: Path) -> Iterator[State]:
    state = STATES[state_world](tmp_path)
    yield state
    state.close()


@pytest.fixture(params=sorted(STORES))
def store_world(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(store_world: str, tmp_path: Path) -> ObjectStore:
    return STORES[store_world](tmp_path)


@pytest.fixture(scope="session")
def racers() -> Iterator[Racers]:
    with Racers() as racers:
        yield racers


@pytest.fixture
def source(tmp_path: Path) -> Callable[[bytes], Path]:
    """Make a new file with the bytes given."""
    made: list[Path] = []

    def make(body: bytes) -> Path:
        path = tmp_path / "sources" / f"{len(made)}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
        made.append(path)
        return path

    return make


@pytest.fixture(params=sorted(LAUNCH_WORLDS))
def launch_world(request: pytest.FixtureRequest) -> Iterator[LaunchWorld]:
    world = LAUNCH_WORLDS[request.param]()
    yield world
    world.close()
