"""The data folder: what lies where in it, and that one stack at a time uses it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.local.errors import CannotStart

# What may stand in a path of nginx's configuration without quotes.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./:@+-]+")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder of one stack; `root` is absolute."""

    root: Path

    @property
    def objects(self) -> Path:
        """Where objects appear, for people to open."""
        return self.root / "objects"

    @property
    def spool(self) -> Path:
        """Where what is not shipped yet waits."""
        return self.root / "spool"

    @property
    def backlog(self) -> Path:
        """Where the last of each stream lies, for workers that come late."""
        return self.root / "backlog"

    @property
    def run(self) -> Path:
        """Where pids, rendered configuration and the lock of the running stack lie."""
        return self.root / "run"

    @property
    def state(self) -> Path:
        """The SQLite file; it holds what stream keys are made of."""
        return self.root / "state.db"

    @property
    def events(self) -> Path:
        """The file to which events are written unless the operator names other sinks."""
        return self.root / "events.jsonl"

    @property
    def credentials(self) -> Path:
        """The secrets of this stack."""
        return self.root / "secrets.json"

    @property
    def _folders(self) -> tuple[tuple[Path, int], ...]:
        return (self.objects, 0o755), (self.spool, 0o700), (self.backlog, 0o700), (self.run, 0o755)

    def prepare(self) -> None:
        """Make what is missing, private where it must be; raise CannotStart if that cannot be done."""
        if not _PLAIN_PATH.fullmatch(str(self.root)):
            raise CannotStart(
                f"data folder {str(self.root)!r}: nginx takes only letters, digits and _ . / : @ + - in a path; "
                "choose another with --data"
            )
        try:
            for path, mode in self._folders:
                path.mkdir(mode=mode, parents=True, exist_ok=True)
                if not os.access(path, os.W_OK | os.X_OK):
                    raise PermissionError(13, "Permission denied", str(path))
            # SQLite gives its other files the mode of this one, so an empty private file keeps all of them private.
            os.close(os.open(self.state, os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            raise CannotStart(
                f"data folder {self.root}: {error.strerror} at {error.filename}; "
                "make it writable for this user or choose another with --data"
            ) from error

    def require_room(self, needed_bytes: int) -> None:
        """Raise CannotStart unless `needed_bytes` are free on the folder's disk."""
        free = shutil.disk_usage(self.root).free
        if free < needed_bytes:
            raise CannotStart(
                f"data folder {self.root}: {free // 2**20} MiB free on its disk, {needed_bytes // 2**20} MiB needed; "
                "make room, choose another folder with --data, or lower STREAMKEEP_MIN_FREE_BYTES"
            )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other stacks off this folder while the block runs; raise CannotStart if one is on it."""
        with (self.run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CannotStart(
                    f"data folder {self.root}: another stack is running on it; stop that one, "
                    "or give this one its own: --data DIR --port-offset N"
                ) from error
            yield
