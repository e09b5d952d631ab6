"""The log: events as lines of a file that `tail -F` follows."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

from services.domain.errors import SinkUnavailable
from services.domain.event import Event
from services.domain.subscriber import Subscriber

BYTES_MAX = 64 * 1024 * 1024
"""How large the file grows before it becomes `<name>.1`, whose predecessor goes: twice this is the most it takes."""


class LogSink:
    """Appends one line of JSON for each event; links stand in them, so others may not read the file."""

    def __init__(self, subscriber: Subscriber, *, bytes_max: int = BYTES_MAX) -> None:
        """Open nothing yet."""
        self._path = Path(subscriber.url.partition(":")[2])
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._file: int | None = None

    def send(self, event: Event, body: bytes) -> None:  # noqa: ARG002 - the port's: all is in the body
        """Append one event; raise SinkUnavailable."""
        with self._lock:
            try:
                self._append(body + b"\n")
            except OSError as error:
                self._close()
                raise SinkUnavailable(f"{self._path}: {error.strerror}") from error

    def _append(self, line: bytes) -> None:
        file = self._opened()
        size = os.fstat(file).st_size
        if size and size + len(line) > self._bytes_max:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            file, size = self._opened(), 0
        try:
            _write_whole(file, line)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)  # half a line would spoil the next one
            raise

    def _opened(self) -> int:
        """Give the file, opened anew where somebody has moved or removed it."""
        if self._file is not None and self._is_in_place(self._file):
            return self._file
        self._close()
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    def _is_in_place(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()


def _write_whole(file: int, line: bytes) -> None:
    if os.write(file, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
