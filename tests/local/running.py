"""The whole stack as a user runs it, on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any
from urllib.request import Request, urlopen

import psutil

from services.local.errors import CannotStart
from services.local.ports import Ports

DEADLINE_SECONDS = 20.0


class RunningStack:
    """A stack that was started; what it says comes line by line."""

    def __init__(self, data: Path, *arguments: str, **variables: str) -> None:
        self.offset = free_offset()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "services.local",
                *("--data", str(data), "--port-offset", str(self.offset)),
                *arguments,
            ],
            env={**environment, "STREAMKEEP_MIN_FREE_BYTES": "0", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._open_streams = 2
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str] | None) -> None:
        assert stream is not None
        with stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line in which `pattern` is found; fail at once when the stack has ended without it."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._open_streams:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line is None:
                self._open_streams -= 1
                continue
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"nothing like {pattern!r} in:\n{''.join(self.said)}")

    def until_ready(self) -> None:
        """Wait for the banner; the log may be a line ahead of it or behind."""
        self.key = self.says(r"Stream key: +(\S+)")[1]
        self.token = self.says(r"Token: +(\S+)")[1]
        self.says(r"Try: +curl")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call the API with the printed token; give the JSON of its answer."""
        request = Request(
            f"http://127.0.0.1:{8000 + self.offset}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=DEADLINE_SECONDS) as answer:  # noqa: S310 - our own address
            return json.loads(answer.read())

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ended(self) -> int:
        """Wait for the end; give the exit code."""
        code = self.process.wait(DEADLINE_SECONDS)
        for reader in self._readers:
            reader.join(DEADLINE_SECONDS)
        while not self._lines.empty():
            self.said.append(self._lines.get() or "")
        return code

    def close(self) -> None:
        """Kill what a failed test left."""
        if self.process.poll() is None:
            remaining = self.processes()
            self.process.kill()  # first, or it starts the others again
            for process in remaining:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.ended()


def free_offset() -> int:
    """Give an offset whose four ports nobody uses, below the range from which the kernel gives ports away."""
    for offset in random.sample(range(2_000, 22_000, 10), 50):
        try:
            Ports.moved(offset).require_free("127.0.0.1")
        except CannotStart:
            continue
        return offset
    raise AssertionError("no four free ports were found")
