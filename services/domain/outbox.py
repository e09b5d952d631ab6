"""The outbox port: events that are kept until every sink has them, and letters that no sink would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.domain import times
from services.domain.event import Event, event_from_record, event_record
from services.domain.ports import Position

APPEND_MAX = 16
"""So many events are appended in one call at most, and so many of a stream's newest are known again."""
KEPT = timedelta(days=30)
"""How long what nobody fetches is kept: events, letters, and the numbers of a session that is over."""
LETTERS_MAX = 10_000
"""So many letters of one sink are kept, the newest; a webhook of a channel's own is a sink by itself."""
PRUNED_MAX = 5_000
"""So many letters go in one call at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """A stream that has events left: its newest is `last`, and each sink named in `delivered` has all up to there.

    A sink that is not named has nothing of it yet. `since` is when the first of what is left was appended to a stream
    of which all had been forgotten.
    """

    stream: str
    last: int
    delivered: Mapping[str, int]
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that `sink` was offered `tries` times and did not take; `at` is when it was given up, `error` why.

    With `replaying` it is offered once more; it is removed when it is taken, and given up again when it is not.
    """

    id: str
    sink: str
    event: Event
    error: str
    tries: int
    at: datetime
    replaying: bool = False


def letter_record(letter: DeadLetter) -> dict[str, Any]:
    """Give a letter as JSON values."""
    return {
        "id": letter.id,
        "sink": letter.sink,
        "event": event_record(letter.event),
        "error": letter.error,
        "tries": letter.tries,
        "at": times.text(letter.at),
        "replaying": letter.replaying,
    }


def letter_from_record(record: Mapping[str, Any]) -> DeadLetter:
    """Read a letter back."""
    return DeadLetter(**{**record, "event": event_from_record(record["event"]), "at": times.parse(record["at"])})


class Outbox(Protocol):
    """Keeps events in state; every call may raise StateUnavailable."""

    def last(self, stream: str) -> int:
        """Give the sequence of a stream's newest event, 0 if it never had one; also when all are delivered."""
        ...

    def append(self, events: Sequence[Event]) -> None:
        """Keep up to APPEND_MAX events of one stream, their sequences without a hole.

        Those that are kept already change nothing, also when they are forgotten since. Raise SequenceTaken if another
        event has one of their numbers, or the stream's newest is not the one before them: nothing is kept then.
        """
        ...

    def backlogs(self, limit: int, *, after: Backlog | None = None) -> Sequence[Backlog]:
        """Give up to `limit` streams that have events left, those that have waited longest first.

        With `after` those that come behind that one, so that streams whose sinks are dead hide no other. One just
        appended to may be missing, one just forgotten may still be there.
        """
        ...

    def read(self, stream: str, after: int, limit: int) -> Sequence[Event]:
        """Give up to `limit` events of a stream that come after the sequence `after`, in order."""
        ...

    def delivered(self, stream: str, sink: str, through: int) -> None:
        """Note that a sink has all events of a stream up to a sequence; it never goes back.

        This is a write: where all who shall have them do, `forget` alone says so.
        """
        ...

    def forget(self, stream: str, through: int) -> None:
        """Drop a stream's events up to a sequence: all who shall have them do. Its numbers go on."""
        ...

    def bury(self, letter: DeadLetter) -> None:
        """Keep a letter; one of the same id is replaced."""
        ...

    def letters(
        self, limit: int, *, sink: str | None = None, replaying: bool = False, after: Position | None = None
    ) -> Sequence[DeadLetter]:
        """Give up to `limit` letters, newest first; with `replaying` only those that shall be offered once more."""
        ...

    def letter(self, letter_id: str) -> DeadLetter | None:
        """Give one letter."""
        ...

    def unbury(self, letter_id: str) -> None:
        """Forget a letter; nothing happens if there is none."""
        ...

    def prune(self, sink: str, keep: int = LETTERS_MAX) -> int:
        """Forget a sink's letters but for its newest `keep`, up to PRUNED_MAX of them; give how many went.

        It is not cheap: it reads through those that stay.
        """
        ...
