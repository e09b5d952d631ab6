"""What the programs of a test tell it, and the wait for it with a deadline."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that one program did."""

    name: str
    what: str
    pid: int


class News:
    """A datagram socket on which programs report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(DEADLINE_SECONDS)
        self.seen: list[Event] = []

    def close(self) -> None:
        self._socket.close()

    def expect(self, name: str, what: str) -> Event:
        """Wait for an event that begins so; TimeoutError if nothing comes for 10 s."""
        while True:
            event = Event(**json.loads(self._socket.recv(65_536)))
            self.seen.append(event)
            if event.name == name and event.what.startswith(what):
                return event

    def expect_each(self, *wanted: tuple[str, str]) -> None:
        """Wait for all of these (name, what), in whatever order they come."""
        missing = set(wanted)
        while missing:
            event = Event(**json.loads(self._socket.recv(65_536)))
            self.seen.append(event)
            missing.discard((event.name, event.what))


def report(path: str, name: str, what: str, pid: int) -> None:
    """Tell the test; a test that is over is not told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        try:
            out.sendto(json.dumps({"name": name, "what": what, "pid": pid}).encode(), path)
        except OSError:
            return
