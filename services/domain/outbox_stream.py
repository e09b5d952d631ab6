"""A stream of the outbox: how far it reaches, how far each sink has come, and which events its newest numbers are."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from services.domain import times
from services.domain.errors import SequenceTaken
from services.domain.event import Event
from services.domain.outbox import APPEND_MAX, Backlog

_MARK_LETTERS = 6  # of 64 kinds: another event of the same number has another, but for one in 7e10


def _mark(event: Event) -> str:
    """Give what tells an event from another of the same number."""
    return base64.urlsafe_b64encode(hashlib.sha256(event.id.encode()).digest()).decode()[:_MARK_LETTERS]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStream:
    """Sequences up to `last` were given, and events up to `forgotten` are no longer kept.

    `marks` are those of the newest events, APPEND_MAX at most, the last one last: by them an event that was appended
    before is known although it is forgotten.
    """

    stream: str
    last: int = 0
    forgotten: int = 0
    waiting_since: datetime | None = None
    delivered: Mapping[str, int] = field(default_factory=dict)
    marks: str = ""

    def new_among(self, events: Sequence[Event]) -> Sequence[Event]:
        """Give those that are not kept yet; raise SequenceTaken if they cannot be kept under their numbers."""
        _require_one_run(self.stream, events)
        if events[0].sequence > self.last + 1:
            raise SequenceTaken(f"the newest event of {self.stream} is {self.last}, not {events[0].sequence - 1}")
        for event in events:
            if event.sequence <= self.last and self._mark_of(event.sequence) != _mark(event):
                raise SequenceTaken(f"{self.stream} has another event of the number {event.sequence}")
        return [event for event in events if event.sequence > self.last]

    def _mark_of(self, sequence: int) -> str | None:
        end = len(self.marks) - (self.last - sequence) * _MARK_LETTERS
        return self.marks[end - _MARK_LETTERS : end] if end > 0 else None

    def appended(self, events: Sequence[Event], now: datetime) -> Self:
        """Give it with events that are new."""
        return replace(
            self,
            last=events[-1].sequence,
            waiting_since=self.waiting_since or now,
            marks="".join((self.marks, *map(_mark, events)))[-APPEND_MAX * _MARK_LETTERS :],
        )

    def with_delivered(self, sink: str, through: int) -> Self:
        """Give it with a sink that has come so far; the same where it had before."""
        through = min(through, self.last)
        if through <= max(self.delivered.get(sink, 0), self.forgotten):
            return self
        return replace(self, delivered={**self.delivered, sink: through})

    def without(self, through: int) -> Self:
        """Give it without events up to a sequence; the same where they were forgotten before."""
        forgotten = min(through, self.last)
        if forgotten <= self.forgotten:
            return self
        return replace(
            self,
            forgotten=forgotten,
            waiting_since=None if forgotten == self.last else self.waiting_since,
            delivered={sink: reached for sink, reached in self.delivered.items() if reached > forgotten},
        )

    def backlog(self) -> Backlog | None:
        """Give what is left of it, None where nothing is."""
        if self.waiting_since is None:
            return None
        return Backlog(stream=self.stream, last=self.last, delivered=self.delivered, since=self.waiting_since)


def _require_one_run(stream: str, events: Sequence[Event]) -> None:
    first, count = events[0].sequence, len(events)
    numbers = [event.sequence for event in events]
    if count > APPEND_MAX or first < 1 or numbers != list(range(first, first + count)):
        message = f"up to {APPEND_MAX} events are appended at once, numbered from 1 and without a hole, not {numbers}"
        raise ValueError(message)
    if any(event.stream != stream for event in events):
        message = f"not all of the events are of {stream}"
        raise ValueError(message)


def stream_record(stream: OutboxStream) -> dict[str, Any]:
    """Give a stream as JSON values, but for its name."""
    return {
        "last": stream.last,
        "forgotten": stream.forgotten,
        "waiting_since": None if stream.waiting_since is None else times.text(stream.waiting_since),
        "delivered": dict(stream.delivered),
        "marks": stream.marks,
    }


def stream_from_record(stream: str, record: Mapping[str, Any]) -> OutboxStream:
    """Read a stream of that name back."""
    since = record["waiting_since"]
    return OutboxStream(
        stream=stream,
        last=record["last"],
        forgotten=record["forgotten"],
        waiting_since=None if since is None else times.parse(since),
        delivered=record["delivered"],
        marks=record["marks"],
    )
