"""The file of an export: JSON lines, the first a header and the last the number of entries of each kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from services.admin.entry import Entry, kind_of, read_entry, record_of
from services.domain import times
from services.domain.errors import InvalidInput, StreamkeepError

FORMAT = 1
LINE_MAX = 4 * 1024 * 1024  # bytes; in ASCII a record of RECORD_MAX takes at most three times as many

Counts = Counter[str]


class BadFile(StreamkeepError):
    """The file is no whole export."""

    def __init__(self, line: int, problem: str) -> None:
        """`line` counts from 1."""
        super().__init__(f"line {line}: {problem}")


def write(entries: Iterable[Entry], file: BinaryIO, *, made_at: datetime) -> Counts:
    """Write a whole export, entry by entry; give how many there are of each kind."""
    counts: Counts = Counter()
    _put(file, {"streamkeep_export": FORMAT, "made_at": times.text(made_at)})
    for entry in entries:
        kind = kind_of(entry)
        _put(file, {"kind": kind, "record": record_of(entry)})
        counts[kind] += 1
    _put(file, {"streamkeep_export_end": dict(counts)})
    return counts


def read(file: BinaryIO) -> Iterator[Entry]:
    """Give the entries of a file from its beginning, one at a time; raise BadFile at the first line that is wrong."""
    file.seek(0)
    counts: Counts = Counter()
    lines = _lines(file)
    number, header = next(lines, (1, {}))
    _require_header(number, header)
    for number, line in lines:
        if "streamkeep_export_end" in line:
            _require_end(number, line, counts)
            for after, _ in lines:
                raise BadFile(after, "there is more after the end; one file holds one export")
            return
        entry = _entry(number, line)
        counts[kind_of(entry)] += 1
        yield entry
    raise BadFile(number + 1, "the file is cut off: its last line is missing; export again")


def _put(file: BinaryIO, line: dict[str, Any]) -> None:
    file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def _lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    while text := file.readline(LINE_MAX + 1):
        number += 1
        if len(text) > LINE_MAX:
            raise BadFile(number, f"longer than {LINE_MAX} bytes, so no line of an export")
        if not text.endswith(b"\n"):
            raise BadFile(number, "the file is cut off in this line; export again")
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            raise BadFile(number, "not JSON, so no line of an export") from None
        if not isinstance(line, dict):
            raise BadFile(number, "not a JSON object, so no line of an export")
        yield number, line


def _require_header(number: int, header: dict[str, Any]) -> None:
    form = header.get("streamkeep_export")
    if form is None:
        raise BadFile(number, "not the beginning of an export; name a file that `streamkeep export` wrote")
    if form != FORMAT:
        raise BadFile(number, f"an export of form {form!r}, and {FORMAT} is the one known here; upgrade streamkeep")


def _require_end(number: int, end: dict[str, Any], counts: Counts) -> None:
    if end["streamkeep_export_end"] != dict(counts):
        raise BadFile(number, f"tells of other entries than the {counts.total()} before it; export again")


def _entry(number: int, line: dict[str, Any]) -> Entry:
    kind, record = line.get("kind"), line.get("record")
    if not isinstance(kind, str) or not isinstance(record, dict):
        raise BadFile(number, "must have a `kind` and a `record`")
    try:
        return read_entry(kind, record)
    except InvalidInput as error:
        raise BadFile(number, str(error)) from None
