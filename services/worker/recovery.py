"""What an earlier worker of the session left in the spool: read from its ledger, and found beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from services.domain.artifact import Artifact, Kind
from services.worker.events import FileClosed
from services.worker.finishing import describe
from services.worker.lane import Waiting
from services.worker.ledger import Ledger

_OPEN_FILES = ((Kind.RECORDING, "recording-*.mp4"), (Kind.SEGMENT, "segment-*.ts"))


@dataclass(slots=True)
class RecoveredPart:
    """A part by its ledger line: its folder, its clock, and up to where each kind of file is whole (PTS, s)."""

    number: int
    anchor: float
    first: float
    folder: str
    ends: dict[Kind, float] = field(default_factory=dict)


@dataclass(slots=True)
class Leftovers:
    """What is to be done: entries shipped already, files still to ship, parts that ran."""

    shipped: list[Artifact] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    parts: dict[int, RecoveredPart] = field(default_factory=dict)


async def recover(ledger: Ledger, folder: Path) -> Leftovers:
    """Read the ledger and look at the files beside it; `folder` is the session's in the spool."""
    leftovers = Leftovers()
    closed: dict[Path, tuple[int, FileClosed]] = {}
    for record in ledger.read():
        if "anchor" in record:
            leftovers.parts[record["part"]] = RecoveredPart(
                record["part"], record["anchor"], record["first"], record["folder"]
            )
        elif "closed" in record:
            file = ledger.file_of(record)
            closed[file.path] = (record["part"], file)
            part = leftovers.parts[record["part"]]
            part.ends[file.kind] = max(part.ends.get(file.kind, part.first), file.end)
        elif "shipped" in record:
            leftovers.shipped.append(ledger.entry_of(record))
    for path, (number, file) in closed.items():
        if path.exists():
            leftovers.waiting.append(Waiting(file, number, leftovers.parts[number].anchor))
    for part in leftovers.parts.values():
        leftovers.waiting += [
            Waiting(file, part.number, part.anchor) for file in await _open_files(folder, part, set(closed))
        ]
    return leftovers


async def _open_files(folder: Path, part: RecoveredPart, closed: set[Path]) -> list[FileClosed]:
    """Give the files that were being written at the kill; they begin where the last whole one ends."""
    found = []
    for kind, pattern in _OPEN_FILES:
        for path in sorted((folder / part.folder).glob(pattern)):
            seconds = None if path in closed else (await describe(path))["seconds"]
            if seconds is not None:
                start = part.ends.get(kind, part.first)
                found.append(FileClosed(kind=kind, path=path, start=start, end=start + seconds))
                part.ends[kind] = start + seconds
    return found
