"""The ledger: what happened to a session on this machine, one JSON line each, so that a kill forgets nothing.

It lies in the spool beside the files it speaks of. Lines: `part` (number, clock, folder), `closed` (a file that is
whole and waits to be shipped), `shipped` (an entry of the manifest).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from services.domain.artifact import Artifact, Kind
from services.domain.manifest import entry_from_record, entry_record
from services.worker.events import ClockSet, FileClosed


class Ledger:
    """An append-only file; each line is handed to the operating system before `append` returns."""

    def __init__(self, path: Path) -> None:
        """Open the ledger at `path`, or begin it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab", buffering=0)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")  # a kill cut the last line short: the next one stands by itself

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

    def part(self, number: int, clock: ClockSet, folder: Path) -> None:
        """Note that a part's clock is set."""
        self._append({"part": number, "anchor": clock.anchor, "first": clock.first, "folder": folder.name})

    def closed(self, part: int, file: FileClosed) -> None:
        """Note that a file is whole."""
        self._append(
            {
                "closed": file.path.relative_to(self._path.parent).as_posix(),
                "part": part,
                "kind": file.kind.value,
                "start": file.start,
                "end": file.end,
                "is_first": file.is_first,
                "waited": file.waited,
                "width": file.width,
                "height": file.height,
            }
        )

    def shipped(self, entry: Artifact) -> None:
        """Note that an object has arrived in the store."""
        self._append({"shipped": entry_record(entry)})

    def read(self) -> Iterator[dict[str, Any]]:
        """Give all lines; one that a kill cut short is left out."""
        for line in self._path.read_bytes().split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            yield record

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
        )

    def entry_of(self, record: dict[str, Any]) -> Artifact:
        """Read a `shipped` line back."""
        return entry_from_record(record["shipped"])
