"""Every adapter under the name of its world: a new one joins all contract tests by one line here.

A factory gets a place of its own and is called again, in other processes, for the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from services.adapters.directory_store import DirectoryStore
from services.adapters.opening import State
from services.adapters.sqlite_state import SqliteState
from services.domain.clock import Clock
from services.domain.ports import Launcher, ObjectStore
from tests.contract.dynamodb_world import open_table
from tests.contract.ecs_world import ECS_WORLDS
from tests.contract.launch_world import ProcessWorld
from tests.contract.s3_world import open_bucket
from tests.doubles.still_clock import StillClock
from tests.emulators import Emulators
from tests.examples import NOW


class StateFactory(Protocol):
    """Opens the state of a place; for its clock it is NOW, unless another is given."""

    def __call__(self, place: Path, clock: Clock = ...) -> State: ...


def _open_file(place: Path, clock: Clock = StillClock(NOW)) -> State:  # noqa: B008 - it never changes
    return SqliteState(place / "state" / "state.db", clock)


def _open_table(place: Path, clock: Clock = StillClock(NOW)) -> State:  # noqa: B008 - as above
    return open_table(place, clock)


STATES: Mapping[str, StateFactory] = {
    "sqlite": _open_file,
    "dynamodb-moto": _open_table,
    "dynamodb-ministack": _open_table,
    "dynamodb-dynoxide": _open_table,
}

STORES: Mapping[str, Callable[[Path], ObjectStore]] = {
    "directory": lambda place: DirectoryStore(place / "objects"),
    "s3-ministack": open_bucket,
    "s3-moto": open_bucket,
}


class LaunchWorld(Protocol):
    """What a launcher starts workers in."""

    def launcher(self) -> Launcher: ...

    def broken_launcher(self) -> Launcher: ...

    def started_channel_and_session(self) -> tuple[str, str]: ...

    def close(self) -> None: ...


LAUNCH_WORLDS: Mapping[str, Callable[[Emulators], LaunchWorld]] = {
    "process": lambda _emulators: ProcessWorld(),
    **ECS_WORLDS,
}
