"""The folder of the backlog: what lies in it, and what nginx still writes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.domain import flv
from services.gateway.backlog.names import Admission, RecordingName
from services.gateway.backlog.order import Name, Order

_NS = 1_000_000_000
_EMPTIED = "emptied-"
_LOCK = "hhqqi4x"  # struct flock: type, whence, start, length, process


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One file that nginx writes or wrote; `written_at` is when it was changed last (epoch s).

    `owner` is the last connection that was let in before it began, None where that is not known.
    """

    name: RecordingName
    path: Path
    bytes: int
    written_at: float
    is_open: bool
    owner: Admission | None = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[flv.Read]:
        """Let it be read while the block runs; raise FileNotFoundError once it is swept."""
        with opened(self.path) as descriptor:
            yield lambda at, size: os.pread(descriptor, size, at)


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in the folder: recordings and admissions, each from the oldest to the newest."""

    recordings: Sequence[Recording]
    admissions: Sequence[Admission]


class Folder:
    """nginx writes into `recording`; without it, it records nothing, and asks again with a keyframe some seconds later.

    What is not named as nginx and this app name files is nobody's here and stays.
    """

    def __init__(self, root: Path) -> None:
        """Take a folder that need not be there yet."""
        self.root = root
        self.recording = root / "recording"
        self._order = Order()
        self._looking = threading.Lock()

    def open(self) -> None:
        """Let nginx record; raise OSError where it cannot be made."""
        self.recording.mkdir(mode=0o700, exist_ok=True)

    def shut(self) -> None:
        """Let nginx begin no new file; those that it writes into lie in one of `emptied` until they are closed."""
        with contextlib.suppress(FileNotFoundError):
            self.recording.rename(self.root / f"{_EMPTIED}{time.time_ns()}")

    @property
    def emptied(self) -> Sequence[Path]:
        """Where what was recorded lies that nobody shall read any more."""
        return sorted(self.root.glob(f"{_EMPTIED}*"))

    @property
    def is_open(self) -> bool:
        """Say whether nginx may record."""
        return self.recording.is_dir()

    @property
    def free_bytes(self) -> int:
        """Give how much more its disk takes; raise OSError where the folder cannot be made."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self.root).free

    def contents(self, folder: Path | None = None, *, of: str | None = None) -> Contents:
        """Look at `recording`, or at another folder; with `of`, at what is one channel's."""
        names = self._names(of) if folder is None else Order().see(_named_in(folder, of))
        owners, recordings = _owners(names), list[Recording]()
        for name, owner in owners.items():
            with contextlib.suppress(FileNotFoundError):
                recordings.append(_recording(name, (folder or self.recording) / str(name), owner))
        return Contents(recordings, [each for each in names if isinstance(each, Admission)])

    def admitted(self, admission: Admission) -> None:
        """Mark who is let in, before nginx begins its file; what that file would overwrite is set aside."""
        if not self.is_open:
            return
        with self._looking:
            owners = _owners(self._seen(admission.channel_id))
            name = RecordingName(channel_id=admission.channel_id, second=admission.ns // _NS, boot=admission.boot)
            if name in owners:
                owner = owners[name]
                aside = replace(name, client_id="0" if owner is None else owner.client_id)
                (self.recording / str(name)).rename(self.recording / str(aside))
                self._order.rename(name, aside)
            (self.recording / str(admission)).touch(mode=0o600)
            self._order.see([admission])

    def _names(self, of: str | None) -> Sequence[Name]:
        with self._looking:
            names = self._seen(of)
            if of is None:
                self._order.keep(names)
            return names

    def _seen(self, of: str | None) -> Sequence[Name]:
        return self._order.see(_named_in(self.recording, of))


def _named_in(folder: Path, of: str | None) -> Iterator[Name]:
    """Give what lies there by the names of the backlog, with `of` what is one channel's."""
    for entry in _entries(folder):
        if of is None or entry.name.startswith(of):
            name = RecordingName.parse(entry.name) or Admission.parse(entry.name)
            if name is not None and of in (None, name.channel_id):
                yield name


def _owners(names: Iterable[Name]) -> dict[RecordingName, Admission | None]:
    """Give whose each recording is, of names in their order."""
    owners: dict[RecordingName, Admission | None] = {}
    last: dict[tuple[str, str, str | None], Admission] = {}
    for name in names:
        if isinstance(name, Admission):
            last[name.channel_id, name.boot, None] = last[name.channel_id, name.boot, name.client_id] = name
        else:
            owners[name] = last.get((name.channel_id, name.boot, name.client_id))
    return owners


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file to read it; one that is no plain file is not found."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _recording(name: RecordingName, path: Path, owner: Admission | None) -> Recording:
    with opened(path) as descriptor:
        is_open = _is_locked(descriptor)
        status = os.fstat(descriptor)
    written_at = status.st_mtime_ns / _NS
    return Recording(name=name, path=path, bytes=status.st_size, written_at=written_at, is_open=is_open, owner=owner)


def _is_locked(descriptor: int) -> bool:
    """Say whether nginx holds its lock on it (record_lock), which ends with the file, or with nginx."""
    asked = struct.pack(_LOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    answer = struct.unpack(_LOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return bool(answer[0] != fcntl.F_UNLCK)
