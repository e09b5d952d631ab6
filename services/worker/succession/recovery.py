"""What an earlier worker of the session left in the spool: read from its ledger, and found beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.domain import times
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import Gap, gap_from_record
from services.worker.delivery.parcel import Parcel, Waiting, discard, size
from services.worker.events import FileClosed
from services.worker.succession.ledger import Ledger
from services.worker.succession.loose_end import LooseEnd
from services.worker.succession.part_files import PartFiles

log = structlog.get_logger()

_PATTERNS = ((Kind.RECORDING, "recording-*.mp4"), (Kind.SEGMENT, "segment-*.ts"))


@dataclass(slots=True)
class Leftovers:
    """What is to be done: entries shipped already, files still to prepare or to ship, gaps of dropped ones, parts.

    Of what is `gone` nobody noted what became of it: it is in the manifest, or lost.

    `ended` says when parts ended, and `loose` is the end of the last part, of which nobody knows yet where the next one
    begins.
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
    loose: LooseEnd | None = None
    ended: dict[int, datetime] = field(default_factory=dict)

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
            clock = self.ledger.clock_of(record)
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
        elif "ended" in record:
            self.left.ended[record["ended"]] = times.parse(record["at"])
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

    The ledger is told of those of earlier parts that nobody closed: this worker may be killed as well, when they have
    become others. The last part's are left to whoever knows where the next one begins.
    """
    reading = _Reading(ledger, folder)
    for record in ledger.read():
        reading.take(record)
    reading.end()
    left = reading.left
    last = max(left.parts, default=None)
    for part in left.parts.values():
        open_files = await part.open_files()
        if part.number == last:
            left.loose = LooseEnd.of(part, open_files)
            continue
        for file in filter(None, [part.own(file, None) for file in open_files]):
            ledger.closed(part.number, file)
            left.waiting.append(Waiting(file, part.number, part.anchor))
    return left
