"""The reconciler as it is run: a program of its own over a state file, and a fake ECS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.adapters.sqlite_state import SqliteState
from services.domain.channel import Channel
from services.domain.gateways import Connection, Gateway
from services.domain.secrets import Secret
from services.domain.session import Publisher, Session
from tests.gateway.nginx_process import free_ports
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
STOP_SECONDS = 15.0


class Program:
    """One running reconciler."""

    def __init__(self, folder: Path, environment: Mapping[str, str], settings: Mapping[str, str]) -> None:
        (self.port,) = free_ports(1)
        self.log_path = folder / f"log-{self.port}"
        own = {
            "STATE_PATH": str(folder / "state.db"),
            "OBJECTS_PATH": str(folder / "objects"),
            "PORT": str(self.port),
            "SWEEP_SECONDS": "0.5",
            **settings,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "services.reconciler"],
                cwd=ROOT,
                env={**inherited, **environment, **{f"STREAMKEEP_{name}": value for name, value in own.items()}},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    def says(self, event: str, within: float = 15.0) -> dict[str, Any]:
        return eventually(lambda: self.said(event), within=within, what=f"the reconciler says {event}")

    def said(self, event: str) -> dict[str, Any] | None:
        lines = self.log_path.read_text().splitlines()
        told = (json.loads(line) for line in lines if line.startswith("{"))
        return next((each for each in told if each["event"] == event), None)

    def figure(self, name: str) -> float:
        text = httpx.get(f"http://127.0.0.1:{self.port}/metrics").raise_for_status().text
        found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(found[0]) if found else 0.0

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


class Scene:
    """A state file with a gateway that lives for an hour, and sessions that its publishers opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = SqliteState(folder / "state.db")
        self._sessions: list[Session] = []
        self._programs: list[Program] = []

    def start(self, environment: Mapping[str, str], settings: Mapping[str, str]) -> Program:
        self._programs.append(Program(self.folder, environment, settings))
        return self._programs[-1]

    def publish(self, name: str) -> Session:
        """Let a publisher in, and nobody order a worker."""
        now = datetime.now(UTC)
        channel = Channel(id=name, outdate=now + timedelta(days=1), created_at=now, updated_at=now, key_secret="key")
        publisher = Publisher(gateway="gw/1", client_id=name, address="192.0.2.7", accepted_at=now)
        session = Session(
            id=f"session-{name}", channel_id=name, started_at=now, pull_token=Secret("token"), publisher=publisher
        )
        self._sessions.append(session)
        self._tell()
        self.state.channels.add(channel)
        self.state.sessions.save(session=session, air=self.state.sessions.air(name).opened(session.id))
        return session

    def _tell(self) -> None:
        names = [each.channel_id for each in self._sessions]
        row = Gateway(
            name="gw/1",
            seen_at=datetime.now(UTC) + timedelta(hours=1),
            pull_url="rtmp://127.0.0.1/stream",
            control_url="http://127.0.0.1:1",
            zone="eu-central-1b",
            connections=tuple(Connection(channel_id=name, client_id=name) for name in names),
        )
        self.state.gateways.put(row)

    def close(self) -> None:
        for each in self._programs:
            if each.process.poll() is None:
                each.kill()
        self.state.close()
