"""What an earlier worker of the session left in the spool: read from its ledger, and found beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from services.domain.artifact import Artifact, Kind
from services.worker.events import FileClosed
from services.worker.finishing import describe
from services.worker.lane import Waiting
from services.worker.ledger import Ledger

_PATTERNS = ((Kind.RECORDING, "recording-*.mp4"), (Kind.SEGMENT, "segment-*.ts"))


@dataclass(slots=True, kw_only=True)
class PartFiles:
    """A part's clock, its folder, the last whole file of each kind, and up to where those reach (PTS, s)."""

    number: int
    anchor: float
    first: float
    folder: Path
    last_closed: dict[Kind, str] = field(default_factory=dict)
    ends: dict[Kind, float] = field(default_factory=dict)

    def close(self, file: FileClosed) -> None:
        """Note that a file is whole."""
        self.last_closed[file.kind] = max(self.last_closed.get(file.kind, ""), file.path.name)
        self.ends[file.kind] = max(self.ends.get(file.kind, self.first), file.end)

    def saved(self) -> float:
        """Give the PTS (s) up to which all that ffmpeg writes is saved; pictures count where there is no other."""
        written = [end for kind, end in self.ends.items() if kind is not Kind.SNAPSHOT]
        return min(written, default=max(self.ends.values(), default=self.first))

    async def open_files(self) -> list[FileClosed]:
        """Give the files that nobody closed, after a kill; they begin where the last whole one of their kind ends."""
        found = []
        for kind, pattern in _PATTERNS:
            # ffmpeg numbers its files in the order of their names.
            closed = self.last_closed.get(kind, "")
            for path in sorted(path for path in self.folder.glob(pattern) if path.name > closed):
                seconds = (await describe(path))["seconds"]
                if seconds is not None:
                    start = self.ends.get(kind)
                    if start is None:
                        # The sound of a run that joined inside a GOP begins before the video, which set `first`.
                        start = min(self.first, path.stat().st_mtime - self.anchor - seconds)
                    found.append(FileClosed(kind=kind, path=path, start=start, end=start + seconds))
                    self.ends[kind] = start + seconds
        return found


@dataclass(slots=True)
class Leftovers:
    """What is to be done: entries shipped already, files still to ship, parts that ran."""

    shipped: list[Artifact] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    parts: dict[int, PartFiles] = field(default_factory=dict)


async def recover(ledger: Ledger, folder: Path) -> Leftovers:
    """Read the ledger and look at the files beside it; `folder` is the session's in the spool."""
    leftovers = Leftovers()
    for record in ledger.read():
        if "anchor" in record:
            leftovers.parts[record["part"]] = PartFiles(
                number=record["part"],
                anchor=record["anchor"],
                first=record["first"],
                folder=folder / record["folder"],
            )
        elif "closed" in record:
            file, part = ledger.file_of(record), leftovers.parts[record["part"]]
            part.close(file)
            if file.path.exists():
                leftovers.waiting.append(Waiting(file, part.number, part.anchor))
        elif "shipped" in record:
            leftovers.shipped.append(ledger.entry_of(record))
    for part in leftovers.parts.values():
        leftovers.waiting += [Waiting(file, part.number, part.anchor) for file in await part.open_files()]
    return leftovers
