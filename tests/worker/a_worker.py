"""A worker as a program of its own, between a real gateway, a real SQLite state and a folder of objects."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain import keys
from services.domain.clock import SystemClock
from services.domain.errors import ObjectNotFound
from services.domain.manifest import Head, decode_head
from services.domain.session import Session
from tests.doubles.open_gateway import OpenGateway
from tests.examples import a_channel, a_publisher, a_session
from tests.processes import children, command
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
CHANNEL, SESSION = "camera", "session"


class AWorker:
    """One worker for one session, whose publisher state says is connected."""

    def __init__(self, folder: Path, gateway: OpenGateway, **variables: str) -> None:
        self.spool = folder / "spool"
        self.objects = DirectoryStore(folder / "objects")
        self.state = SqliteState(folder / "state.db")
        self._objects_folder = folder / "objects"
        self._log = folder / "worker.log"
        self._settings = {
            "STREAMKEEP_STATE_PATH": str(folder / "state.db"),
            "STREAMKEEP_OBJECTS_PATH": str(folder / "objects"),
            "STREAMKEEP_SPOOL_PATH": str(self.spool),
            "STREAMKEEP_PULL_URL": gateway.url,
            "STREAMKEEP_MIN_FREE_BYTES": "0",
            "STREAMKEEP_LOG_FORMAT": "json",
            **variables,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.state.close()

    def on_air(self, **settings: object) -> None:
        """Store a channel with a publisher connected, and start its worker."""
        self.accept(**settings)
        self.start()

    def accept(self, **settings: object) -> None:
        """Store a channel with a publisher connected."""
        settings = {"image_time": 1, "hls_time": 1, "video_time": 60, **settings}
        self.state.channels.add(a_channel(CHANNEL, **settings))
        publisher = a_publisher(accepted_at=SystemClock().now())
        self.state.sessions.save(session=a_session(SESSION, started_at=SystemClock().now(), publisher=publisher))

    def start(self, *arguments: str) -> None:
        arguments = arguments or ("--channel", CHANNEL, "--session", SESSION)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.worker", *arguments],
                cwd=ROOT,
                env={**environment, **self._settings},
                stdout=log,
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, within: float) -> int:
        """Wait for its end; give the exit code."""
        assert self.process is not None
        return self.process.wait(within)

    def is_alive(self) -> bool:
        assert self.process is not None
        return self.process.poll() is None

    def program(self, *words: str) -> psutil.Process | None:
        """Give the child whose command line has all of `words`."""
        assert self.process is not None
        for child in children(self.process.pid):
            line = " ".join(command(child))
            if all(word in line for word in words):
                return child
        return None

    def ffmpeg(self) -> psutil.Process | None:
        """Give the ffmpeg that captures."""
        return self.program("ffmpeg", "-rw_timeout")

    def log(self) -> str:
        return self._log.read_text()

    def said(self, event: str) -> list[dict[str, Any]]:
        """Give what the log has of an event so far."""
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def session(self) -> Session:
        return self.state.sessions.get(SESSION)

    def head(self) -> Head | None:
        """Give the manifest's head, if it has been written."""
        try:
            return decode_head(self.objects.read(keys.head(CHANNEL, SESSION)).body)
        except ObjectNotFound:
            return None

    def stored(self, pattern: str = "**/*") -> list[Path]:
        """Give the objects that match, in the order of their keys."""
        found = (path for path in self._objects_folder.glob(pattern) if path.is_file() and path.name[0] != ".")
        return sorted(found)

    def segments(self) -> int:
        return len(self.stored("hls/*/*/*.ts"))

    def wait_for_segments(self, more: int, *, within: float = 15) -> float:
        """Wait for so many more segments than there are now; give the seconds that this took."""
        began, wanted = time.monotonic(), self.segments() + more
        eventually(lambda: self.segments() >= wanted, within=within, what=f"{more} more segments")
        return time.monotonic() - began


@contextmanager
def publishing(file: Path, gateway: OpenGateway) -> Iterator[subprocess.Popen[bytes]]:
    """Push a file in real time, again and again, while the block runs."""
    argv = ["-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(file), "-c", "copy", "-f", "flv"]
    with subprocess.Popen(["ffmpeg", *argv, f"{gateway.url}/{CHANNEL}"]) as publisher:
        try:
            yield publisher
        finally:
            publisher.kill()
