"""What waits for the store: a closed file, and the parcel it becomes when it is prepared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from services.domain import times
from services.domain.artifact import OUTPUTS, Kind
from services.domain.manifest import Gap
from services.domain.sprites import tile_of
from services.worker.events import FileClosed

log = structlog.get_logger()

SHORTEST_GAP = 0.001
FILE_BYTES = 64 * 1024
"""What a waiting file counts for besides its content, so that a bound of bytes bounds their number too."""


def size(path: Path) -> int:
    """Give a file's bytes, 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def discard(file: FileClosed) -> None:
    """Remove a file from the spool with its other sizes, itself last: while it is there a successor finds them all."""
    for each in file.sizes:
        remove(each.path)
    if file.kind is Kind.SNAPSHOT:
        remove(file.path.with_name(tile_of(file.path.name)))  # nobody wanted it
    remove(file.path)


def remove(path: Path) -> None:
    """Remove a file from the spool, if that is there and lets it go: what it held is shipped, or declared missing."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("file_not_removed", file=path.name, error=error.strerror)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One file of `bytes` as it goes into the store; `number` is a segment's media sequence.

    `anchor` is the epoch (s) of its part's PTS 0; a picture's other sizes have `sizes_bytes` together.
    """

    file: FileClosed
    part: int
    anchor: float
    bytes: int
    number: int | None = None
    sizes_bytes: int = 0

    @property
    def output(self) -> str:
        """Name its output."""
        return OUTPUTS[self.file.kind]

    @property
    def captured_at(self) -> datetime:
        """Give the time of its first picture."""
        return times.utc(self.anchor + self.file.start)

    def metadata(self, session_id: str) -> dict[str, str]:
        """Give what its objects say of themselves where a store keeps such: when it was captured, in which session."""
        return {"captured-at": times.text(self.captured_at), "session": session_id}

    @property
    def cost(self) -> int:
        """Give what it takes of the spool's bound: its bytes, and what any file takes of memory and disk."""
        return self.bytes + self.sizes_bytes + FILE_BYTES * (1 + len(self.file.sizes))

    def gap(self, cause: str, until: float | None = None) -> Gap:
        """Give the gap that its loss makes: its own time, or for a picture the time until the next one (PTS, s)."""
        end = max(self.file.end, self.file.start + SHORTEST_GAP) if until is None else until
        return Gap(
            started_at=self.captured_at,
            ended_at=times.utc(self.anchor + end),
            outputs=(self.output,),
            cause=cause,
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A closed file with the part it belongs to and the epoch (s) of that part's PTS 0."""

    file: FileClosed
    part: int
    anchor: float

    def parcel(self) -> Parcel:
        """Give it as it is."""
        return Parcel(
            file=self.file,
            part=self.part,
            anchor=self.anchor,
            bytes=size(self.file.path),
            sizes_bytes=sum(size(each.path) for each in self.file.sizes),
        )
