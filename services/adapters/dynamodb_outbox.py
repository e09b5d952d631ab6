"""The outbox in DynamoDB: one item for a stream, with its newest events in it; older ones have items of their own.

An append is one write, under the condition that the stream is as it was read; what it puts out of its place and is not
forgotten yet is written to items of its own before, which is harmless to do twice. So there is no transaction, which
would count double, and no event without a number. Nobody removes events: DynamoDB does, when their time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from services.adapters.dynamodb_items import Items, Refused, Write
from services.adapters.dynamodb_letters import DynamodbLetters
from services.adapters.dynamodb_table import OUTBOX, Item, Newest, event_key, stream_key
from services.adapters.record_text import decoded, encoded
from services.domain import times
from services.domain.clock import Clock
from services.domain.errors import StateUnavailable
from services.domain.event import Event, event_from_record, event_record
from services.domain.outbox import KEPT, Backlog
from services.domain.outbox_stream import OutboxStream, stream_from_record, stream_record

_TRIES = 16
_OF_A_SESSION = "session/"
_BEFORE_ALL = "0"


def _stream_of(name: str, item: Item | None) -> OutboxStream:
    return OutboxStream(stream=name) if item is None else stream_from_record(name, decoded(item.record)["stream"])


def _events_in(item: Item | None) -> list[Event]:
    return [] if item is None else [event_from_record(record) for record in decoded(item.record)["events"]]


class DynamodbOutbox(DynamodbLetters):
    """Keeps events, and finds the streams that have some left in the index `newest`."""

    def __init__(self, items: Items, clock: Clock) -> None:
        """Use `items`, which its owner closes."""
        super().__init__(items)
        self._items = items
        self._clock = clock

    def last(self, stream: str) -> int:
        """Give the sequence of a stream's newest event, 0 if it never had one; also when all are delivered."""
        return _stream_of(stream, self._items.get(stream_key(stream))).last

    def append(self, events: Sequence[Event]) -> None:
        """Keep events of one stream; those that are kept already change nothing; raise SequenceTaken."""
        for _ in range(_TRIES):
            writes = self.writes(events)
            try:
                if writes:
                    self._items.put(*writes)
            except Refused:
                continue
            return
        raise StateUnavailable("others keep writing to the same stream of events; try again")

    def writes(self, events: Sequence[Event]) -> Sequence[Write]:
        """Give what appends events, none where all are kept already; raise SequenceTaken."""
        if not events:
            return []
        found = self._items.get(stream_key(events[0].stream))
        stream = _stream_of(events[0].stream, found)
        new = stream.new_among(events)
        if not new:
            return []
        left = [event for event in _events_in(found) if event.sequence > stream.forgotten]
        if left:
            self._items.put_always([self._event(event) for event in left])
        return [self._write(stream.appended(new, self._clock.now()), new, found)]

    def _event(self, event: Event) -> dict[str, Any]:
        return {
            "id": event_key(event.stream, event.sequence),
            "gone_at": self._clock.now() + KEPT,
            "record": encoded(event_record(event)),
        }

    def _write(self, stream: OutboxStream, events: Iterable[Event], found: Item | None) -> Write:
        record = {
            "stream": stream_record(stream),
            "events": [event_record(event) for event in events if event.sequence > stream.forgotten],
        }
        attributes: dict[str, Any] = {"id": stream_key(stream.stream), "record": encoded(record)}
        if stream.stream.startswith(_OF_A_SESSION):  # a channel's numbers go on for ever
            attributes["gone_at"] = self._clock.now() + KEPT
        backlog = stream.backlog()
        if backlog is not None:
            attributes |= {"listed": OUTBOX, "place": _place(backlog)}
        unchanged = Item.id.does_not_exist() if found is None else Item.write_id == found.write_id
        return Write(attributes=attributes, condition=unchanged)

    def backlogs(self, limit: int, *, after: Backlog | None = None) -> Sequence[Backlog]:
        """Give up to `limit` streams that have events left, those that have waited longest first."""
        place = _BEFORE_ALL if after is None else _place(after)
        backlogs: list[Backlog] = []
        while len(backlogs) < limit:
            asked = limit - len(backlogs)
            entries = self._items.oldest(Newest.Meta.index_name, OUTBOX, after=place, limit=asked)
            found = self._items.get_many([entry.id for entry in entries], consistent=False)
            names = [(entry.id, entry.id.removeprefix(stream_key(""))) for entry in entries]
            left = (_stream_of(name, found[key]).backlog() for key, name in names if key in found)
            backlogs += [backlog for backlog in left if backlog is not None]
            if len(entries) < asked:
                break
            place = entries[-1].place
        return backlogs

    def read(self, stream: str, after: int, limit: int) -> Sequence[Event]:
        """Give up to `limit` events of a stream that come after the sequence `after`, in order."""
        item = self._items.get(stream_key(stream))
        known, newest = _stream_of(stream, item), {event.sequence: event for event in _events_in(item)}
        events: list[Event] = []
        following = max(after, known.forgotten) + 1
        while following <= known.last and len(events) < limit:
            # What nobody fetched in time is gone: then its numbers hold nothing, and later ones may.
            numbers = range(following, min(known.last, following + limit - len(events) - 1) + 1)
            kept = self._kept(stream, [number for number in numbers if number not in newest]) | newest
            events += [kept[number] for number in numbers if number in kept]
            following = numbers[-1] + 1
        return events

    def _kept(self, stream: str, numbers: Sequence[int]) -> dict[int, Event]:
        found = self._items.get_many([event_key(stream, number) for number in numbers], consistent=True)
        events = (event_from_record(decoded(item.record)) for item in found.values())
        return {event.sequence: event for event in events}

    def delivered(self, stream: str, sink: str, through: int) -> None:
        """Note that a sink has all events of a stream up to a sequence; it never goes back."""
        self._change(stream, lambda stored: stored.with_delivered(sink, through))

    def forget(self, stream: str, through: int) -> None:
        """Drop a stream's events up to a sequence: all who shall have them do. Its numbers go on."""
        self._change(stream, lambda stored: stored.without(through))

    def _change(self, name: str, change: Callable[[OutboxStream], OutboxStream]) -> None:
        for _ in range(_TRIES):
            found = self._items.get(stream_key(name))
            stored = _stream_of(name, found)
            changed = change(stored)
            if changed is stored:
                return
            try:
                self._items.put(self._write(changed, _events_in(found), found))
            except Refused:
                continue
            return
        raise StateUnavailable("others keep writing to the same stream of events; try again")


def _place(backlog: Backlog) -> str:
    return f"{times.text(backlog.since)}/{backlog.stream}"
