"""The folder of the backlog: what lies in it, and what nginx still writes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.domain import flv
from services.gateway.backlog.names import Admission, RecordingName

_NS = 1_000_000_000
_EMPTIED = "emptied-"
_LOCK = "hhqqi4x"  # struct flock: type, whence, start, length, process


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One file that nginx writes or wrote; `written_at` is when it was changed last (epoch s)."""

    name: RecordingName
    path: Path
    bytes: int
    written_at: float
    is_open: bool

    @contextlib.contextmanager
    def reading(self) -> Iterator[flv.Read]:
        """Let it be read while the block runs; raise FileNotFoundError once it is swept."""
        with opened(self.path) as descriptor:
            yield lambda at, size: os.pread(descriptor, size, at)


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in the folder: recordings from the oldest to the newest, and admissions."""

    recordings: Sequence[Recording]
    admissions: Sequence[Admission]

    def owner(self, recording: RecordingName) -> Admission | None:
        """Give whose a recording is: of the last connection that was let in before it began."""
        known = [each for each in self.admissions if _is_life(each, recording)]
        if recording.client_id is not None:
            known = [each for each in known if each.client_id == recording.client_id]
        return max((each for each in known if each.ns < (recording.second + 1) * _NS), default=None)


class Folder:
    """nginx writes into `recording`; without it, it records nothing, and asks again with a keyframe some seconds later.

    What is not named as nginx and this app name files is nobody's here and stays.
    """

    def __init__(self, root: Path) -> None:
        """Take a folder that need not be there yet."""
        self.root = root
        self.recording = root / "recording"

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
        recordings, admissions = [], []
        for entry in _entries(folder or self.recording):
            if of is not None and not entry.name.startswith(of):
                continue
            name, admission = RecordingName.parse(entry.name), Admission.parse(entry.name)
            if name is not None and of in (None, name.channel_id):
                with contextlib.suppress(FileNotFoundError):
                    recordings.append(_recording(name, Path(entry.path)))
            elif admission is not None and of in (None, admission.channel_id):
                admissions.append(admission)
        recordings.sort(key=lambda each: (each.name.second, each.written_at))
        return Contents(recordings, sorted(admissions))

    def admitted(self, admission: Admission) -> None:
        """Mark who is let in, before nginx begins its file; what that file would overwrite is set aside."""
        if not self.is_open:
            return
        name = RecordingName(channel_id=admission.channel_id, second=admission.ns // _NS, boot=admission.boot)
        if (self.recording / str(name)).exists():
            owner = self.contents(of=name.channel_id).owner(name)
            client_id = "0" if owner is None else owner.client_id
            aside = RecordingName(channel_id=name.channel_id, second=name.second, boot=name.boot, client_id=client_id)
            (self.recording / str(name)).rename(self.recording / str(aside))
        (self.recording / str(admission)).touch(mode=0o600)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries


def _is_life(admission: Admission, recording: RecordingName) -> bool:
    return (admission.channel_id, admission.boot) == (recording.channel_id, recording.boot)


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


def _recording(name: RecordingName, path: Path) -> Recording:
    with opened(path) as descriptor:
        is_open = _is_locked(descriptor)
        status = os.fstat(descriptor)
    return Recording(name=name, path=path, bytes=status.st_size, written_at=status.st_mtime_ns / _NS, is_open=is_open)


def _is_locked(descriptor: int) -> bool:
    """Say whether nginx holds its lock on it (record_lock), which ends with the file, or with nginx."""
    asked = struct.pack(_LOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    answer = struct.unpack(_LOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return bool(answer[0] != fcntl.F_UNLCK)
