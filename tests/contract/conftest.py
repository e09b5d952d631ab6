"""Fixtures: each test of a contract runs once for every adapter in worlds.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.ports import ObjectStore
from tests.contract import dynamodb_world, s3_world
from tests.contract.racing import Racers
from tests.contract.worlds import LAUNCH_WORLDS, STATES, STORES, LaunchWorld
from tests.doubles.ecs import FakeEcs
from tests.emulators import Emulators, where_installed


@pytest.fixture(params=[where_installed(world) for world in STATES])
def state_world(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a world whose state can be opened at the test's place."""
    world = str(request.param)
    if world in dynamodb_world.EMULATORS:
        emulators: Emulators = request.getfixturevalue("emulators")
        dynamodb_world.lend_table(tmp_path, emulators.url(dynamodb_world.EMULATORS[world]))
    return world


@pytest.fixture(scope="session")
def opened() -> Iterator[dict[str, State]]:
    """Keep what takes long to open: boto needs a twentieth of a second for a client."""
    opened: dict[str, State] = {}
    yield opened
    for state in opened.values():
        state.close()


@pytest.fixture
def state(state_world: str, tmp_path: Path, opened: dict[str, State]) -> Iterator[State]:
    """Open a state in which nothing is stored."""
    if state_world in dynamodb_world.EMULATORS:
        if state_world not in opened:
            opened[state_world] = STATES[state_world](tmp_path)
        yield opened[state_world]
        return
    with closing(STATES[state_world](tmp_path)) as state:
        yield state


@pytest.fixture(params=sorted(STORES))
def store_world(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def a_store(world: str, place: Path, emulators: Emulators) -> ObjectStore:
    if world in s3_world.EMULATORS:
        s3_world.make_bucket(place, emulators.url(s3_world.EMULATORS[world]))
    return STORES[world](place)


@pytest.fixture
def store(store_world: str, tmp_path: Path, emulators: Emulators) -> ObjectStore:
    return a_store(store_world, tmp_path, emulators)


@pytest.fixture(scope="session", params=sorted(STORES))
def empty_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, emulators: Emulators
) -> ObjectStore:
    """Give one for the whole run, in which nobody stores anything."""
    return a_store(request.param, tmp_path_factory.mktemp("empty"), emulators)


@pytest.fixture(scope="session")
def racers(emulators: Emulators) -> Iterator[Racers]:  # noqa: ARG001 - they inherit what a client needs
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


@pytest.fixture(scope="session")
def shared_ecs() -> Iterator[FakeEcs]:
    with FakeEcs() as ecs:
        yield ecs


@pytest.fixture
def ecs(shared_ecs: FakeEcs) -> FakeEcs:
    """Give an ECS in which nothing runs."""
    shared_ecs.forget()
    return shared_ecs


@pytest.fixture(params=sorted(LAUNCH_WORLDS))
def launch_world(request: pytest.FixtureRequest, emulators: Emulators) -> Iterator[LaunchWorld]:
    world = LAUNCH_WORLDS[request.param](emulators)
    yield world
    world.close()
