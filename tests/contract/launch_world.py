"""A place where launched workers are watched from outside: by what they report and by their end."""

from __future__ import annotations

import json
import queue
import socket
import sys
from pathlib import Path
from typing import Any

import psutil

from services.adapters.process_launcher import ProcessLauncher

DEADLINE_SECONDS = 20.0
PROGRAM = Path(__file__).with_name("reporting_worker.py")


class StartedWorker:
    """A worker as its report shows it; its socket ends with the last of its processes."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_SECONDS)
        self._file = connection.makefile("rb")
        connection.close()
        self.facts: dict[str, Any] = json.loads(self._file.readline())

    def wait_gone(self) -> None:
        """Wait until no process of the worker is left, or fail after DEADLINE_SECONDS."""
        try:
            rest = self._file.read()
        except ConnectionResetError:
            rest = b""
        self._file.close()
        assert rest == b""


class ProcessWorld:
    """Launches the reporting worker as a child process."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_SECONDS)
        self.exits: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._launchers: list[ProcessLauncher] = []
        self._children_before = _children()

    def launcher(
        self,
        behaviour: str = "obey",
        *,
        lifeline_fd: int | None = None,
        environment: dict[str, str] | None = None,
        command: tuple[str, ...] = (sys.executable, "-I", "-S", str(PROGRAM)),
    ) -> ProcessLauncher:
        """Give a launcher of workers that behave so."""
        port = self._listener.getsockname()[1]
        made = ProcessLauncher(
            command,
            {"REPORT_PORT": str(port), "BEHAVIOUR": behaviour, **(environment or {})},
            lifeline_fd=lifeline_fd,
            on_exit=lambda session_id, returncode: self.exits.put((session_id, returncode)),
        )
        self._launchers.append(made)
        return made

    def broken_launcher(self) -> ProcessLauncher:
        """Give a launcher that cannot start anything."""
        return self.launcher(command=("/nonexistent/worker-program",))

    def started(self) -> StartedWorker:
        """Give the next worker that has started, or fail after DEADLINE_SECONDS."""
        return StartedWorker(self._listener.accept()[0])

    def started_channel_and_session(self) -> tuple[str, str]:
        """Give which worker has started next."""
        argv = self.started().facts["argv"]
        return argv[argv.index("--channel") + 1], argv[argv.index("--session") + 1]

    def children(self) -> set[int]:
        """Give the processes that became ours since this world began, the dead that nobody waited for included."""
        return _children() - self._children_before

    def exit(self) -> tuple[str, int]:
        """Give the next session whose worker was noticed to end, with its return code."""
        return self.exits.get(timeout=DEADLINE_SECONDS)

    def close(self) -> None:
        """End every worker."""
        for launcher in self._launchers:
            launcher.stop(0)
        self._listener.close()


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}
