"""A supervisor in a process of its own, since it adopts and kills whatever its process has below it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from tests.local.news import News
from tests.processes import children

ROOT = Path(__file__).parent.parent.parent


class Driven:
    """A running driver and what it and its programs report."""

    def __init__(self, folder: Path) -> None:
        self.news = News(folder / "news")
        self.log_path = folder / "log"
        self._programs: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str] | None = None

    def plan(self, name: str, kind: str, argument: str = "", **traits: object) -> None:
        """Add a double to what is run."""
        argv = [sys.executable, "-m", "tests.local.double", str(self.news.path), name, kind, argument]
        self._programs.append({"name": name, "argv": argv, "hidden": [], **traits})

    def start(self, *, ready: bool = True, stop_seconds: float = 10) -> subprocess.Popen[str]:
        plan = {
            "news": str(self.news.path),
            "programs": self._programs,
            "ready": ready,
            "stop_seconds": stop_seconds,
        }
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.local.driver"], cwd=ROOT, stdin=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(plan))
        self._process.stdin.close()
        return self._process

    def stop(self) -> int:
        """Ask for the stop and give the driver's exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(10)

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def close(self) -> None:
        if self._process is not None:
            for each in children(self._process.pid, recursive=True):
                each.kill()
            self._process.kill()
            self._process.wait(10)
        self.news.close()


def is_gone(pid: int, deadline_seconds: float = 10) -> bool:
    """Wait for a process that is no child of ours to end."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    return not psutil.wait_procs([process], timeout=deadline_seconds)[1]
