"""Whether the spool can take what ffmpeg writes."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 2.0
"""How often the spool is looked at: what must stay free there is room for state, manifest and the last files."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PROBE = ".room"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why nothing can be captured: a code of docs/states.md, and what to do."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A session's folder in the spool, on a disk of which at least `min_free_bytes` stay free."""

    folder: Path
    min_free_bytes: int

    def trouble(self, run: Path | None = None) -> Trouble | None:
        """Look once, and make the folder where it is missing; `run`, where ffmpeg writes, must be there."""
        if run is not None and not run.is_dir():
            return Trouble(code="spool_unavailable", detail=f"{run} was removed while files were written into it")
        try:
            self._write()
            disk = os.statvfs(self.folder)
        except OSError as error:
            return self._refused(error)
        free = disk.f_bavail * disk.f_frsize
        return None if free >= self.min_free_bytes else self._full(free)

    def _write(self) -> None:
        """See that a file can be made: a disk may be full of files, over a quota or read-only with room to spare."""
        probe = f"{self.folder}/{_PROBE}"
        try:
            descriptor = os.open(probe, _NEW)
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(probe, _NEW)
        try:
            os.write(descriptor, b"\n")
        finally:
            os.close(descriptor)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(probe)  # noqa: PTH108 - a Path costs more than the call, and this is done for ever

    def _refused(self, error: OSError) -> Trouble:
        if error.errno in _FULL:
            return Trouble(code="disk_full", detail=f"{self.folder}: {error.strerror}; make room on the spool's disk")
        remedy = "it must be a folder that the worker may write to"
        return Trouble(code="spool_unavailable", detail=f"{self.folder}: {error.strerror}; {remedy}")

    def _full(self, free: int) -> Trouble:
        needed = self.min_free_bytes
        detail = f"{free} bytes are free where {needed} are needed; make room on the spool's disk"
        return Trouble(code="disk_full", detail=detail)
