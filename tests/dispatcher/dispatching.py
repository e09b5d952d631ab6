"""The dispatcher as it is run: a program of its own over a state file, whose outbox the test fills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.adapters.sqlite_state import SqliteState
from services.domain.channel import Channel
from services.domain.event import SNAPSHOT_CREATED, Event
from services.domain.outbox import DeadLetter
from tests.gateway.nginx_process import free_ports
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
LINK_SECRETS = "link:link-secret"
STOP_SECONDS = 15.0


class Dispatcher:
    """One running program; `log` is what it says."""

    def __init__(self, folder: Path, sinks: object, **variables: str) -> None:
        (self.port,) = free_ports(1)
        self.log_path = folder / f"log-{self.port}"
        settings = {
            "STATE_PATH": str(folder / "state.db"),
            "OBJECTS_PATH": str(folder / "objects"),
            "LINK_SECRETS": LINK_SECRETS,
            "PORT": str(self.port),
            "SINKS": sinks if isinstance(sinks, str) else json.dumps(sinks),
            **variables,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "services.dispatcher"],
                cwd=ROOT,
                env=environment | {f"STREAMKEEP_{name}": value for name, value in settings.items()},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    def says(self, event: str, within: float = 15.0) -> dict[str, Any]:
        return eventually(lambda: self._said(event), within=within, what=f"the dispatcher says {event}")

    def _said(self, event: str) -> dict[str, Any] | None:
        lines = self.log_path.read_text().splitlines()
        told = (json.loads(line) for line in lines if line.startswith("{"))
        return next((each for each in told if each["event"] == event), None)

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics").raise_for_status().text

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


class World:
    """A state file, and what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = SqliteState(folder / "state.db")
        self._running: list[Dispatcher] = []

    def start(self, sinks: object, **variables: str) -> Dispatcher:
        running = Dispatcher(self.folder, sinks, **variables)
        self._running.append(running)
        return running

    def channel(self, channel_id: str, **fields: Any) -> Channel:  # noqa: ANN401 - any field of the record
        now = datetime.now(UTC)
        channel = Channel(
            id=channel_id, outdate=now + timedelta(days=1), created_at=now, updated_at=now, key_secret="new", **fields
        )
        self.state.channels.add(channel)
        return channel

    def happen(
        self, count: int, *, stream: str = "session-1", channel_id: str = "channel-1", kind: str = SNAPSHOT_CREATED,
        ago: float = 0.0,
    ) -> list[str]:  # fmt: skip
        """Put so many events into the outbox; give their ids."""
        last = self.state.outbox.last(f"session/{stream}")
        events = [
            Event(
                id=uuid.uuid4().hex,
                type=kind,
                channel_id=channel_id,
                session_id=stream,
                sequence=last + number,
                at=datetime.now(UTC) - timedelta(seconds=ago),
                data={"key": f"snapshots/{channel_id}/{number}.jpg"},
            )
            for number in range(1, count + 1)
        ]
        for event in events:
            self.state.outbox.append([event])
        return [event.id for event in events]

    def letters(self, count: int, within: float = 15.0) -> list[DeadLetter]:
        return eventually(
            lambda: found if len(found := list(self.state.outbox.letters(100))) == count else None,
            within=within,
            what=f"there are {count} letters",
        )

    def until_forgotten(self, within: float = 10.0) -> None:
        eventually(lambda: not self.state.outbox.backlogs(1), within=within, what="the outbox is empty")

    def close(self) -> None:
        for each in self._running:
            if each.process.poll() is None:
                each.kill()
        self.state.close()


@contextmanager
def world_in(folder: Path) -> Iterator[World]:
    world = World(folder)
    try:
        yield world
    finally:
        world.close()


def once(ids: list[str]) -> list[str]:
    """Give ids without repetitions: what is sent at least once may come twice."""
    return list(dict.fromkeys(ids))
