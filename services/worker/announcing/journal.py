"""The journal: a session's announcements, one JSON line each, so that a kill loses none and doubles none.

It lies in the spool beside the ledger. Lines: an announcement (`n`, counted from 1), `through` (all up to that one are
in the outbox, or were given up; its stream had `sequence` as its newest number then) and, as the first line of a
journal that was compacted, `before` (what its older lines said).
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import structlog

from services.domain import times
from services.runtime import metrics
from services.worker.announcing.announcement import Announcement
from services.worker.announcing.remembered import Remembered

log = structlog.get_logger()

EVENTS_BYTES = 8 * 1024 * 1024
"""What may wait for the outbox: a day's at a picture each 10 s. Over it the oldest are given up; the file is at most
twice as long."""
COMPACT_BYTES = 256 * 1024


class _Line(NamedTuple):
    number: int
    text: bytes


class Journal:
    """An append-only file; each line is handed to the operating system before `add` returns.

    Where that cannot be (the disk is full, the folder is gone) the file is made anew with the next line.
    """

    def __init__(self, path: Path, *, bytes_max: int = EVENTS_BYTES, compact_bytes: int = COMPACT_BYTES) -> None:
        """Open the journal at `path`, or begin it."""
        self.sequence = 0
        """The newest number of the session's stream, as far as is known here."""
        self.remembered = Remembered()
        self._path, self._bytes_max, self._compact_bytes = path, bytes_max, compact_bytes
        self._waiting: deque[_Line] = deque()
        self._waiting_bytes = self._number = self._through = self._dropped = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        body = os.pread(self._file.fileno(), os.fstat(self._file.fileno()).st_size, 0)
        self._read(body)
        self._is_whole = not body or body.endswith(b"\n")  # or a kill cut the last line short

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._waiting)

    def add(self, announcement: Announcement) -> bool:
        """Note an announcement, and say whether it is new: one of the same id is noted once."""
        if announcement.id in self.remembered:
            return False
        self._number += 1
        line = _Line(self._number, announcement.line(self._number))
        self.remembered.add(announcement.id, announcement.type, line.number, times.text(announcement.at))
        self._wait(line)
        self._append(line.text)
        if self._waiting_bytes > self._bytes_max:
            self._give_up_oldest()
        return True

    def waiting(self, limit: int, bytes_max: int) -> Sequence[tuple[int, Announcement]]:
        """Give the oldest that wait and their numbers: at most `limit`, and at most `bytes_max` of them but one."""
        found: list[_Line] = []
        for line in self._waiting:
            if len(found) == limit or (found and sum(len(each.text) for each in found) + len(line.text) > bytes_max):
                break
            found.append(line)
        return [(line.number, Announcement.read(line.text)) for line in found]

    def told(self, through: int, sequence: int) -> None:
        """Note that all up to the one numbered `through` are in the outbox, whose newest number is `sequence`."""
        self._through, self.sequence = max(through, self._through), sequence
        self._forget()
        self._append(_encoded({"through": self._through, "sequence": sequence}))

    def _wait(self, line: _Line) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line.text)
        metrics.EVENTS_WAITING.set(len(self._waiting))

    def _forget(self) -> None:
        while self._waiting and self._waiting[0].number <= self._through:
            self._waiting_bytes -= len(self._waiting.popleft().text)
        metrics.EVENTS_WAITING.set(len(self._waiting))

    def _give_up_oldest(self) -> None:
        count = 0
        while self._waiting_bytes > self._bytes_max:
            self._through = self._waiting[0].number
            self._forget()
            count += 1
        self._dropped += count
        metrics.EVENTS_DROPPED.inc(count)
        log.error("events_dropped", count=count, in_all=self._dropped, bytes_max=self._bytes_max)
        self._append(_encoded({"through": self._through, "sequence": self.sequence}))

    def _read(self, body: bytes) -> None:
        for text, record in _records(body):
            if "n" in record:
                self._number = record["n"]
                self.remembered.add(record["id"], record["type"], record["n"], record["at"])
                self._wait(_Line(record["n"], text + b"\n"))
            elif "through" in record:
                self._through, self.sequence = record["through"], record["sequence"]
                self._number = max(self._number, self._through)
                self._forget()
            elif "before" in record:
                self.remembered = Remembered.from_record(record["before"])

    def _append(self, text: bytes) -> None:
        try:
            if not self._is_whole or not self._is_in_place() or self._size() > self._limit():
                self._write_anew()
                return
            self._is_whole = self._file.write(text) == len(text)
            if not self._is_whole:
                self._write_anew()
        except OSError as error:
            self._is_whole = False
            log.error("journal_unwritable", error=str(error), waiting=len(self._waiting))  # noqa: TRY400 - said in full

    def _limit(self) -> int:
        return max(self._compact_bytes, 2 * self._waiting_bytes)

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _is_in_place(self) -> bool:
        try:
            return self._path.stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False

    def _write_anew(self) -> None:
        """Put a file in the place of this one with what is needed still, whole from the moment it has the name."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(self._needed()))
        fresh.replace(self._path)
        before, self._file = self._file, self._path.open("a+b", buffering=0)
        before.close()
        self._is_whole = True

    def _needed(self) -> Iterable[bytes]:
        yield _encoded({"before": self.remembered.record()})
        yield _encoded({"through": self._through, "sequence": self.sequence})
        yield from (line.text for line in self._waiting)


def _encoded(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _records(body: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Give the lines; one that a kill cut short is left out."""
    for line in body.split(b"\n"):
        try:
            yield line, json.loads(line)
        except ValueError:
            continue
