"""What an earlier worker of the session left in the spool: read from its ledger, and found beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import structlog

from services.domain import times
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import Gap, gap_from_record
from services.worker.delivery.cutting import within
from services.worker.delivery.finishing import describe
from services.worker.delivery.parcel import OUTPUTS, Parcel, Waiting, discard, size
from services.worker.events import ClockSet, FileClosed
from services.worker.succession.ledger import Ledger

log = structlog.get_logger()

_PATTERNS = ((Kind.RECORDING, "recording-*.mp4"), (Kind.SEGMENT, "segment-*.ts"))


@dataclass(slots=True, kw_only=True)
class PartFiles:
    """A part's clock, its folder, the last whole file of each kind, and up to where those reach (PTS, s).

    With `is_spliced` what the run brought before `first` is of another part.
    """

    number: int
    anchor: float
    first: float
    folder: Path
    first_keyframe: float | None = None
    is_spliced: bool = False
    last_closed: dict[Kind, str] = field(default_factory=dict)
    ends: dict[Kind, float] = field(default_factory=dict)

    @classmethod
    def begun(cls, number: int, clock: ClockSet, folder: Path) -> Self:
        """Give those of a part whose clock is set just now."""
        return cls(
            number=number,
            anchor=clock.anchor,
            first=clock.first,
            folder=folder,
            first_keyframe=clock.first_keyframe,
            is_spliced=clock.first_keyframe is not None,
        )

    def own(self, file: FileClosed, until: float | None) -> FileClosed | None:
        """Give a file with what is to be cut off because it is of another part, None if all of it is."""
        since = self.first if self.is_spliced else None
        if file.kind is Kind.SNAPSHOT:
            is_ours = (since is None or file.start >= since) and (until is None or file.start < until)
            return file if is_ours else None
        keyframe = file.start  # ffmpeg begins all files but the first with one
        if file.is_first and self.first_keyframe is not None:
            keyframe = self.first_keyframe
            # There may be sound before it, whatever is known of the file: a run's clock begins at 0.
            file = replace(file, start=min(file.start, 0.0)) if self.is_spliced else file
        return within(file, since, until, first_keyframe=keyframe)

    def reach(self) -> float:
        """Give the PTS (s) up to which there is a whole file of some kind that ffmpeg writes."""
        return max((end for kind, end in self.ends.items() if kind is not Kind.SNAPSHOT), default=self.first)

    def close(self, file: FileClosed) -> None:
        """Note that a file is whole."""
        self.last_closed[file.kind] = max(self.last_closed.get(file.kind, ""), file.path.name)
        self.ends[file.kind] = max(self.ends.get(file.kind, self.first), file.end)

    def saved(self) -> dict[str, datetime]:
        """Give until when there are files of each output that ffmpeg writes; pictures count where there is no other."""
        written = {kind: end for kind, end in self.ends.items() if kind is not Kind.SNAPSHOT}
        return {OUTPUTS[kind]: times.utc(self.anchor + end) for kind, end in (written or self.ends).items()}

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
                    is_first = start is None
                    if start is None:
                        # The sound of a run that joined inside a GOP begins before the video, which set `first`.
                        start = min(self.first, path.stat().st_mtime - self.anchor - seconds)
                    end = start + seconds
                    found.append(
                        FileClosed(
                            kind=kind,
                            path=path,
                            start=start,
                            end=end,
                            is_first=is_first and self.is_spliced,
                            waited=seconds,  # its whole span is known: nobody is to measure it again
                        )
                    )
                    self.ends[kind] = start + seconds
        return found


@dataclass(slots=True)
class Leftovers:
    """What is to be done: entries shipped already, files still to prepare or to ship, gaps of dropped ones, parts.

    Of what is `gone` nobody noted what became of it: it is in the manifest, or lost.

    `numbers` are the media sequence numbers that were given, `target` the EXT-X-TARGETDURATION (s) if one was fixed.
    """

    shipped: list[Artifact] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    gone: list[Waiting] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    target: int | None = None
    parts: dict[int, PartFiles] = field(default_factory=dict)

    def next_number(self, first: int, entries: Iterable[Artifact]) -> int:
        """Give the media sequence number after all that were given; `entries` are those of the manifest."""
        known = {entry.media_sequence for entry in entries if entry.media_sequence is not None}
        return max(known | self.numbers, default=first - 1) + 1


@dataclass(slots=True)
class _Reading:
    """A ledger as it is read: what became of the files that it names."""

    ledger: Ledger
    folder: Path
    left: Leftovers = field(default_factory=Leftovers)
    closed: dict[str, tuple[FileClosed, PartFiles]] = field(default_factory=dict)
    prepared: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def take(self, record: dict[str, Any]) -> None:
        """Take a line."""
        if "anchor" in record:
            clock = ClockSet(
                anchor=record["anchor"], first=record["first"], first_keyframe=record.get("first_keyframe")
            )
            self.left.parts[record["part"]] = PartFiles.begun(record["part"], clock, self.folder / record["folder"])
        elif "closed" in record:
            file, part = self.ledger.file_of(record), self.left.parts.get(record["part"])
            if part is None:  # a full disk took its line
                log.warning("file_of_no_part", file=record["closed"], part=record["part"])
                return
            part.close(file)
            self.closed[record["closed"]] = (file, part)
        elif "prepared" in record:
            self.prepared[record["prepared"]] = record["pieces"]
            self.left.numbers |= {piece["number"] for piece in record["pieces"] if piece["number"] is not None}
            self.left.target = record["target"] or self.left.target
        elif "shipped" in record:
            entry = self.ledger.entry_of(record)
            self.left.shipped.append(entry)
            self.left.numbers |= set() if entry.media_sequence is None else {entry.media_sequence}
            self.done.add(record.get("file") or "")
        elif "dropped" in record:
            self.done.add(record["dropped"])
            self.left.gaps += [] if record["gap"] is None else [gap_from_record(record["gap"])]
            self.left.numbers |= set() if record["number"] is None else {record["number"]}
        elif "declared" in record:
            self.left.gaps.append(gap_from_record(record["declared"]))

    def end(self) -> None:
        """Tell what waits from what is done, and remove what a kill kept an earlier worker from removing."""
        for name, (file, part) in self.closed.items():
            pieces = self.prepared.get(name)
            if pieces is None and name not in self.done:
                waiting = Waiting(file, part.number, part.anchor)
                (self.left.waiting if file.path.exists() else self.left.gone).append(waiting)
                continue
            left = [piece for piece in pieces or () if piece["file"] not in self.done]
            for piece in left:
                self._carry_on(file, part, piece)
            if name not in {piece["file"] for piece in left}:
                file.path.unlink(missing_ok=True)
        for name in self.done - {""}:
            if name in self.closed:
                discard(self.closed[name][0])
            (self.folder / name).unlink(missing_ok=True)

    def _carry_on(self, file: FileClosed, part: PartFiles, piece: dict[str, Any]) -> None:
        path = self.folder / piece["file"]
        file = replace(file, path=path, start=piece["start"], end=piece["end"])
        if not path.exists():
            self.left.gone.append(Waiting(file, part.number, part.anchor))
        else:
            parcel = Parcel(file=file, part=part.number, anchor=part.anchor, bytes=size(path), number=piece["number"])
            self.left.parcels.append(parcel)


async def recover(ledger: Ledger, folder: Path) -> Leftovers:
    """Read the ledger and look at the files beside it; `folder` is the session's in the spool.

    The ledger is told of those that nobody closed: this worker may be killed as well, when they have become others.
    """
    reading = _Reading(ledger, folder)
    for record in ledger.read():
        reading.take(record)
    reading.end()
    left = reading.left
    for part in left.parts.values():
        owned = [part.own(file, None) for file in await part.open_files()]
        for file in filter(None, owned):
            ledger.closed(part.number, file)
            left.waiting.append(Waiting(file, part.number, part.anchor))
    return left
