"""The picture child as a program of its own, fed by hand."""

from __future__ import annotations

import fcntl
import json
import queue
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
DEADLINE_SECONDS = 10.0


class PictureProcess:
    """One running child: bytes in, events out."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        argv = [sys.executable, "-m", "services.worker.pictures.picture", "--folder", str(folder), *arguments]
        self._process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue

    @property
    def pid(self) -> int:
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)

    def feed(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def wait_until_read(self) -> None:
        """Wait until the child has taken all that it was fed."""
        assert self._process.stdin is not None
        deadline = time.monotonic() + DEADLINE_SECONDS
        while any(fcntl.ioctl(self._process.stdin, termios.FIONREAD, bytes(4))):
            assert time.monotonic() < deadline, "the child reads no more"
            time.sleep(0.01)

    def expect(self, name: str) -> dict[str, Any]:
        """Wait for the next event of this name; queue.Empty if nothing more comes for 10 s."""
        while True:
            event = self._events.get(timeout=DEADLINE_SECONDS)
            assert event is not None, f"the child ended before {name}"
            if event["event"] == name:
                return event

    def end(self) -> list[dict[str, Any]]:
        """Close the tap and give all events not heard yet; the child must end by itself with exit code 0."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        events = list(iter(lambda: self._events.get(timeout=DEADLINE_SECONDS), None))
        assert self._process.wait(DEADLINE_SECONDS) == 0
        return events

    def path(self, event: dict[str, Any]) -> Path:
        return self.folder / str(event["file"])


def all_events(folder: Path, tap: bytes, *arguments: str) -> list[dict[str, Any]]:
    """Feed a whole tap at once and give all that the child says."""
    with PictureProcess(folder, *arguments) as child:
        child.feed(tap)
        return child.end()


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]
