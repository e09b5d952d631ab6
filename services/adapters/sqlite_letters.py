"""Dead letters in SQLite."""

from __future__ import annotations

from collections.abc import Sequence

from services.adapters.record_text import decoded, encoded
from services.adapters.sqlite_database import Database
from services.adapters.sqlite_rows import page_start
from services.domain import times
from services.domain.clock import Clock
from services.domain.outbox import KEPT, LETTERS_MAX, PRUNED_MAX, DeadLetter, letter_from_record, letter_record
from services.domain.ports import Position

_BURY = (
    "INSERT INTO outbox_letters (id, sink, at, replaying, record) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET"
    " sink = excluded.sink, at = excluded.at, replaying = excluded.replaying, record = excluded.record"
)
_FORGET_OLD = "DELETE FROM outbox_letters WHERE at < ?"
_PRUNE = (
    "DELETE FROM outbox_letters WHERE id IN"
    " (SELECT id FROM outbox_letters WHERE sink = ? ORDER BY at DESC, id DESC LIMIT ? OFFSET ?)"
)
_PAGE = "SELECT record FROM outbox_letters WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?"
_PAGE_OF_SINK = (
    "SELECT record FROM outbox_letters WHERE sink = ? AND (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?"
)
_PAGE_REPLAYING = (
    "SELECT record FROM outbox_letters WHERE replaying = 1 AND (at, id) < (?, ?) AND sink = coalesce(?, sink)"
    " ORDER BY at DESC, id DESC LIMIT ?"
)


class SqliteLetters:
    """Keeps dead letters in one table."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use `database`, which its owner closes."""
        self._database = database
        self._clock = clock

    def bury(self, letter: DeadLetter) -> None:
        """Keep a letter; one of the same id is replaced."""
        row = (letter.id, letter.sink, times.text(letter.at), int(letter.replaying), encoded(letter_record(letter)))
        with self._database.writing() as connection:
            connection.execute(_FORGET_OLD, (times.text(self._clock.now() - KEPT),))
            connection.execute(_BURY, row)

    def letters(
        self, limit: int, *, sink: str | None = None, replaying: bool = False, after: Position | None = None
    ) -> Sequence[DeadLetter]:
        """Give up to `limit` letters, newest first; with `replaying` only those that shall be offered once more."""
        place = page_start(after)
        with self._database.reading() as connection:
            if replaying:
                rows = connection.execute(_PAGE_REPLAYING, (*place, sink, limit)).fetchall()
            elif sink is not None:
                rows = connection.execute(_PAGE_OF_SINK, (sink, *place, limit)).fetchall()
            else:
                rows = connection.execute(_PAGE, (*place, limit)).fetchall()
        return [letter_from_record(decoded(text)) for (text,) in rows]

    def letter(self, letter_id: str) -> DeadLetter | None:
        """Give one letter."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT record FROM outbox_letters WHERE id = ?", (letter_id,)).fetchone()
        return None if row is None else letter_from_record(decoded(row[0]))

    def unbury(self, letter_id: str) -> None:
        """Forget a letter; nothing happens if there is none."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM outbox_letters WHERE id = ?", (letter_id,))

    def prune(self, sink: str, keep: int = LETTERS_MAX) -> int:
        """Forget a sink's letters but for its newest `keep`, up to PRUNED_MAX of them; give how many went."""
        with self._database.writing() as connection:
            return connection.execute(_PRUNE, (sink, PRUNED_MAX, keep)).rowcount
