"""Every adapter under the name of its world: a new one joins all contract tests by one line here.

A factory gets a place of its own and is called again, in other processes, for the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain.ports import ChannelStore, Launcher, LeaseStore, ObjectStore, SessionStore
from tests.contract.launch_world import ProcessWorld


class State(Protocol):
    """What keeps channels, sessions and leases together."""

    @property
    def channels(self) -> ChannelStore: ...

    @property
    def sessions(self) -> SessionStore: ...

    @property
    def leases(self) -> LeaseStore: ...

    def close(self) -> None: ...


STATES: Mapping[str, Callable[[Path], State]] = {
    "sqlite": lambda place: SqliteState(place / "state" / "state.db"),
}

STORES: Mapping[str, Callable[[Path], ObjectStore]] = {
    "directory": lambda place: DirectoryStore(place / "objects"),
}


class LaunchWorld(Protocol):
    """What a launcher starts workers in."""

    def launcher(self) -> Launcher: ...

    def broken_launcher(self) -> Launcher: ...

    def started_channel_and_session(self) -> tuple[str, str]: ...

    def close(self) -> None: ...


LAUNCH_WORLDS: Mapping[str, Callable[[], LaunchWorld]] = {
    "process": ProcessWorld,
}
