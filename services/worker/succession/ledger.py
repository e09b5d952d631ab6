"""The ledger: what happened to a session on this machine, one JSON line each, so that a kill forgets nothing.

It lies in the spool beside the files it speaks of. Lines: `part` (number, clock, folder), `closed` (a file that is
whole), `prepared` (what it is shipped as, and under which number), `shipped` (an entry of the manifest, and the file
it was), `dropped` (a file that is given up, and the gap that this makes), `declared` (a gap that no file makes),
`ended` (when a part has).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import structlog

from services.domain import times
from services.domain.artifact import Artifact, Kind
from services.domain.manifest import Gap, entry_from_record, entry_record, gap_record
from services.worker.delivery.parcel import Parcel
from services.worker.events import ClockSet, FileClosed, SizedFile
from services.worker.succession import compaction

log = structlog.get_logger()

COMPACT_BYTES = 2 * 1024 * 1024


class Ledger:
    """An append-only file; each line is handed to the operating system before `append` returns.

    Where that cannot be (the disk is full) the line waits for the next one; where the folder is gone, it is made anew
    with all that the ledger held. Lines that nobody needs any more are left out when it has grown long.
    """

    def __init__(self, path: Path, *, compact_bytes: int = COMPACT_BYTES) -> None:
        """Open the ledger at `path`, or begin it."""
        self._path = path
        self._compact_bytes = self._limit = compact_bytes
        self._unwritten = b""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        body = self._body()
        if body and not body.endswith(b"\n"):
            self._file.write(b"\n")  # a kill cut the last line short: the next one stands by itself
        self._noted = compaction.told(compaction.records(body))
        self._stored = self._compacted = 0  # counted like `_noted`: all that was ever told

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def part(self, number: int, clock: ClockSet, folder: Path) -> None:
        """Note that a part's clock is set."""
        self._noted += 1
        more: dict[str, Any] = {} if clock.first_keyframe is None else {"first_keyframe": clock.first_keyframe}
        if clock.digest is not None:
            more["digest"] = clock.digest
        if clock.begins:
            more["begins"] = {kind.value: begin for kind, begin in clock.begins.items()}
        self._append({"part": number, "anchor": clock.anchor, "first": clock.first, "folder": folder.name, **more})

    def closed(self, part: int, file: FileClosed) -> None:
        """Note that a file is whole."""
        more = {
            "cut_from": file.cut_from,
            "cut_to": file.cut_to,
            "flags": list(file.flags) or None,
            "phash": file.phash,
            "sizes": [[self._name(each.path), each.width, each.height] for each in file.sizes] or None,
        }
        self._append(
            {
                "closed": self._name(file.path),
                "part": part,
                "kind": file.kind.value,
                "start": file.start,
                "end": file.end,
                "is_first": file.is_first,
                "waited": file.waited,
                "width": file.width,
                "height": file.height,
                **{name: value for name, value in more.items() if value is not None},
            }
        )

    def prepared(self, original: Path, parcels: Sequence[Parcel], *, target: int | None = None) -> None:
        """Note what a closed file is shipped as, in one line; `target` is the session's EXT-X-TARGETDURATION (s)."""
        pieces = [
            {
                "file": self._name(parcel.file.path),
                "number": parcel.number,
                "start": parcel.file.start,
                "end": parcel.file.end,
            }
            for parcel in parcels
        ]
        self._append({"prepared": self._name(original), "pieces": pieces, "target": target})

    def shipped(self, entry: Artifact, path: Path | None = None) -> None:
        """Note that an object has arrived in the store; `path` is the file in the spool that it was."""
        self._noted += 1
        self._append({"shipped": entry_record(entry), "file": None if path is None else self._name(path)})

    def dropped(self, path: Path, number: int | None, gap: Gap | None) -> None:
        """Note that a file is given up."""
        self._noted += 1
        told = None if gap is None else gap_record(gap)
        self._append({"dropped": self._name(path), "number": number, "gap": told})

    def declared(self, gap: Gap) -> None:
        """Note a gap before a part."""
        self._noted += 1
        self._append({"declared": gap_record(gap)})

    def ended(self, part: int, at: datetime) -> None:
        """Note when a part has ended."""
        self._noted += 1
        self._append({"ended": part, "at": times.text(at)})

    def mark(self) -> int:
        """Give a mark of what the manifest has by now; `stored` takes it when that manifest is in the store."""
        return self._noted

    def stored(self, mark: int) -> None:
        """Note that the stored manifest has all that was told before `mark`: nobody needs it here any more."""
        self._stored = max(self._stored, mark)

    def read(self) -> Iterator[dict[str, Any]]:
        """Give all lines; one that a kill cut short is left out."""
        return compaction.records(self._body())

    def file_of(self, record: dict[str, Any]) -> FileClosed:
        """Read a `closed` line back."""
        return FileClosed(
            kind=Kind(record["kind"]),
            path=self._path.parent / record["closed"],
            start=record["start"],
            end=record["end"],
            is_first=record["is_first"],
            waited=record["waited"],
            width=record["width"],
            height=record["height"],
            flags=tuple(record.get("flags", ())),
            phash=record.get("phash"),
            sizes=tuple(
                SizedFile(path=self._path.parent / name, width=width, height=height)
                for name, width, height in record.get("sizes", ())
            ),
            cut_from=record.get("cut_from"),
            cut_to=record.get("cut_to"),
        )

    def clock_of(self, record: dict[str, Any]) -> ClockSet:
        """Read a `part` line back."""
        return ClockSet(
            anchor=record["anchor"],
            first=record["first"],
            first_keyframe=record.get("first_keyframe"),
            begins={Kind(kind): begin for kind, begin in record.get("begins", {}).items()},
            digest=record.get("digest"),
        )

    def entry_of(self, record: dict[str, Any]) -> Artifact:
        """Read a `shipped` line back."""
        return entry_from_record(record["shipped"])

    def _name(self, path: Path) -> str:
        return path.relative_to(self._path.parent).as_posix()

    def _body(self) -> bytes:
        return os.pread(self._file.fileno(), os.fstat(self._file.fileno()).st_size, 0)

    def _append(self, record: dict[str, Any]) -> None:
        self._unwritten += json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            if not self._is_in_place():
                self._begin_again(self._body())
            while self._unwritten:
                written = self._file.write(self._unwritten) or 0
                self._unwritten = self._unwritten[written:]
            if os.fstat(self._file.fileno()).st_size > self._limit:
                self._compact()
        except OSError as error:
            log.error("ledger_unwritable", error=str(error), bytes=len(self._unwritten))  # noqa: TRY400 - said in full

    def _is_in_place(self) -> bool:
        """Say whether the file still has its name; one that another worker put there is as good."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        if found.st_ino != os.fstat(self._file.fileno()).st_ino:
            self._reopen()
        return True

    def _begin_again(self, body: bytes) -> None:
        """Put a new file in the place of the old one, whole from the moment it has the name."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(body)
        fresh.replace(self._path)
        self._reopen()

    def _reopen(self) -> None:
        before, self._file = self._file, self._path.open("a+b", buffering=0)
        before.close()

    def _compact(self) -> None:
        before = self._body()
        forget = max(0, self._stored - self._compacted)
        kept = compaction.kept(list(compaction.records(before)), self._path.parent, forget=forget)
        self._begin_again(_lines(kept))
        self._compacted = self._noted - compaction.told(kept)
        after = os.fstat(self._file.fileno()).st_size
        self._limit = max(self._compact_bytes, 2 * after)  # what is needed may be much, and must not be read each time
        log.info("ledger_compacted", bytes=len(before), left=after)


def _lines(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)
