"""A service of the project as a task of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.aws.machine import alone

STOP_SECONDS = 30.0
KEPT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH")


class Program:
    """`python -m services.<name>` on a machine of its own, started at once; `variables` are all that it is told.

    `through` is a command that becomes it.
    """

    def __init__(
        self, name: str, folder: Path, log: Path, variables: Mapping[str, str], through: Sequence[str] = ()
    ) -> None:
        inherited = {key: os.environ[key] for key in KEPT if key in os.environ}
        argv = alone(folder, log, [*through, sys.executable, "-m", f"services.{name}"])
        self._process = subprocess.Popen(argv, env={**inherited, **variables}, stdin=subprocess.DEVNULL)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it without a farewell."""
        self._end(signal.SIGKILL)

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def stop(self) -> int:
        """Ask it to stop, and give its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.is_running:
            self._process.send_signal(number)
        return self._process.wait(STOP_SECONDS)
