from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from tests.gateway.journal import Journal
from tests.gateway.nginx_process import Nginx, new_nginx
from tests.gateway.pair import Pair
from tests.gateway.world import World
from tests.media import Clip, Media


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream with B-frames, sound and a keyframe every 2 s."""
    return Media(tmp_path_factory.mktemp("media")).file(Clip(seconds=10))


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal()
    before = structlog.get_config()
    structlog.configure(processors=[journal])
    yield journal
    structlog.configure(**before)


@pytest.fixture(scope="session")
def shared_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """One nginx for all tests that leave it as they find it."""
    with new_nginx(tmp_path_factory.mktemp("nginx") / "run") as nginx:
        yield nginx


@pytest.fixture
def made_worlds() -> Iterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        world.close()


@pytest.fixture
def new_world(
    tmp_path: Path, media: Path, journal: Journal, shared_nginx: Nginx, made_worlds: list[World]
) -> Callable[..., World]:
    """Make a world that is not started yet, with settings of its own."""

    def make(**settings: str) -> World:
        made_worlds.append(World(tmp_path, media, journal, shared_nginx, **settings))
        return made_worlds[-1]

    return make


@pytest.fixture
def new_world_with_nginx(
    tmp_path: Path, media: Path, journal: Journal, made_worlds: list[World]
) -> Callable[..., World]:
    """Make a world whose nginx the test may end and start as it likes."""

    def make(**settings: str) -> World:
        made_worlds.append(World(tmp_path, media, journal, None, **settings))
        return made_worlds[-1]

    return make


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """A gateway that runs, with one channel and workers that never pull."""
    world = new_world()
    world.add_channel()
    world.start()
    return world


@pytest.fixture(scope="session")
def two_nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Nginx]]:
    """Two for all tests that leave them as they find them."""
    folder = tmp_path_factory.mktemp("nginx")
    with new_nginx(folder / "run-a") as one, new_nginx(folder / "run-b") as two:
        yield [one, two]


@pytest.fixture
def pair(
    tmp_path: Path, media: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch, two_nginx: list[Nginx]
) -> Iterator[Pair]:
    """Two gateways that run, with one channel, `camera`."""
    with Pair(tmp_path, media, journal, two_nginx) as pair:
        _begin(pair, monkeypatch)
        yield pair


@pytest.fixture
def fragile_pair(tmp_path: Path, media: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The same, and each nginx may be ended."""
    with Pair(tmp_path, media, journal) as pair:
        _begin(pair, monkeypatch)
        yield pair


def _begin(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pair.ecs.variables.items():
        monkeypatch.setenv(name, value)
    pair.a.add_channel()
    pair.start()


@pytest.fixture
def app_alone(new_world_with_nginx: Callable[..., World]) -> World:
    """The callback app with one channel and no nginx: the test speaks in its place."""
    world = new_world_with_nginx(SWEEP_SECONDS="60")
    world.add_channel()
    world.start(nginx=False)
    return world
