"""A session's record as its manifest tells it, read without any code of the product's."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.verifier.report import Report
from tests.verifier.stored import Stored

OUTPUTS = {"snapshot": "snapshots", "recording": "recordings", "segment": "hls"}
PLURALS = {"snapshot": "snapshots", "recording": "recordings", "segment": "segments"}


def moment(text: str) -> float:
    """Read an RFC 3339 time as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as it is listed."""

    kind: str
    key: str
    at: float
    bytes: int
    sha256: str
    part: int
    seconds: float
    more: dict[str, Any]

    @property
    def end(self) -> float:
        return self.at + self.seconds


@dataclass(frozen=True, slots=True)
class Span:
    """A part (`end` None while it runs) or a gap, with what it says of itself."""

    start: float
    end: float | None
    more: dict[str, Any]


@dataclass(slots=True)
class Record:
    """What head and chunks say together."""

    head: dict[str, Any]
    prefix: str
    channel: str
    entries: list[Entry] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        return self.head["state"] in ("ended", "failed")

    @property
    def parts(self) -> list[Span]:
        return [_span(part) for part in self.head["parts"]]

    @property
    def gaps(self) -> list[Span]:
        return [_span(gap) for gap in self.head["gaps"]]

    @property
    def started(self) -> float:
        return moment(self.head["started_at"])

    @property
    def end(self) -> float | None:
        """Give the session's end, None while it goes on."""
        return moment(self.head["ended_at"]) if self.head["ended_at"] else None

    def of(self, kind: str) -> list[Entry]:
        """Give the entries of a kind in the order of time."""
        return sorted((entry for entry in self.entries if entry.kind == kind), key=lambda entry: (entry.at, entry.key))

    def gaps_of(self, output: str) -> list[tuple[float, float, str]]:
        """Give begin, end and cause of the gaps that name an output."""
        return [
            (gap.start, gap.end, gap.more["cause"])
            for gap in self.gaps
            if gap.end is not None and output in gap.more["outputs"]
        ]


def _span(raw: dict[str, Any]) -> Span:
    return Span(moment(raw["from"]), moment(raw["to"]) if raw["to"] else None, raw)


def _entry(raw: dict[str, Any]) -> Entry:
    known = ("kind", "key", "captured_at", "bytes", "sha256", "part", "seconds")
    more = {name: value for name, value in raw.items() if name not in known}
    kind, key, captured_at, size, sha256, part, seconds = (raw.get(name) for name in known)
    assert isinstance(kind, str)
    assert isinstance(key, str)
    assert isinstance(captured_at, str)
    assert isinstance(size, int)
    assert isinstance(sha256, str)
    assert isinstance(part, int)
    return Entry(kind, key, moment(captured_at), size, sha256, part, float(seconds or 0), more)


def read(stored: Stored, session: str, report: Report) -> Record | None:
    """Read a session's head and chunks; None, and a finding, if the head cannot be read."""
    heads = [key for key in stored.sizes if key.startswith("sessions/") and key.endswith(f"/{session}/head.json")]
    if len(heads) != 1:
        report.find("head_missing", f"{len(heads)} keys end with {session}/head.json")
        return None
    try:
        head = json.loads(stored.path(heads[0]).read_bytes())
        record = Record(head, heads[0].rpartition("/")[0] + "/", head["channel_id"], named=set(heads))
        record.entries += [_entry(raw) for raw in head["tail"]]
        _ = record.parts, record.gaps, record.end
    except (ValueError, KeyError, AssertionError, TypeError) as error:
        report.find("head_unreadable", f"{heads[0]}: {error!r}")
        return None
    if head["id"] != session or record.prefix.split("/")[1] != record.channel:
        report.find("head_wrong", f"{heads[0]} is of session {head['id']}, channel {record.channel}")
    for number, reference in enumerate(head["chunks"]):
        _read_chunk(stored, record, number, reference, report)
    return record


def _read_chunk(stored: Stored, record: Record, number: int, reference: dict[str, Any], report: Report) -> None:
    key = reference["key"]
    record.named.add(key)
    if reference["n"] != number or key != f"{record.prefix}chunk-{number:06d}.json":
        report.find("chunk_order", f"the chunk in place {number} is {key}, n {reference['n']}")
    if key not in stored.sizes:
        report.find("chunk_missing", key)
        return
    body = stored.path(key).read_bytes()
    if hashlib.sha256(body).hexdigest() != reference["sha256"]:
        report.find("chunk_sha256", key)
    try:
        entries = [_entry(raw) for raw in json.loads(body)["entries"]]
    except (ValueError, KeyError, AssertionError, TypeError) as error:
        report.find("chunk_unreadable", f"{key}: {error!r}")
        return
    times = [entry.at for entry in entries]
    if (min(times), max(times)) != (moment(reference["from"]), moment(reference["to"])):
        report.find("chunk_span", f"{key} does not span what its head says")
    told = {plural: sum(entry.kind == kind for entry in entries) for kind, plural in PLURALS.items()}
    if told != reference["counts"]:
        report.find("chunk_counts", f"{key} has {told}, its head says {reference['counts']}")
    record.entries += entries
