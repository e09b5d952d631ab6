"""Dead letters in DynamoDB."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from services.adapters.dynamodb_items import Items, place_of
from services.adapters.dynamodb_table import LETTERS, Item, Newest, OfChannel, Open, letter_key, letters_of
from services.adapters.record_text import decoded, encoded
from services.domain.outbox import KEPT, LETTERS_MAX, PRUNED_MAX, DeadLetter, letter_from_record, letter_record
from services.domain.ports import Position


def _letter_of(item: Item) -> DeadLetter:
    return letter_from_record(decoded(item.record))


def _position(position: Position) -> Position:
    """Give the place of a letter in its lists: ids are of any length, places are not."""
    return Position(at=position.at, id=hashlib.sha256(position.id.encode(errors="replace")).hexdigest())


def _list_of(sink: str | None, *, replaying: bool) -> tuple[str, str]:
    """Give the index with the letters that are wanted, and maybe others, and its hash key."""
    if replaying:
        return Open.Meta.index_name, LETTERS
    return (Newest.Meta.index_name, LETTERS) if sink is None else (OfChannel.Meta.index_name, letters_of(sink))


class DynamodbLetters:
    """Keeps dead letters, one item each; DynamoDB removes them when their time is over."""

    def __init__(self, items: Items) -> None:
        """Use `items`, which its owner closes."""
        self._items = items

    def bury(self, letter: DeadLetter) -> None:
        """Keep a letter; one of the same id is replaced."""
        attributes: dict[str, Any] = {
            "id": letter_key(letter.id),
            "record": encoded(letter_record(letter)),
            "gone_at": letter.at + KEPT,
            "listed": LETTERS,
            "channel": letters_of(letter.sink),
            "place": place_of(_position(Position(at=letter.at, id=letter.id))),
            **({"open": LETTERS} if letter.replaying else {}),
        }
        self._items.put_always([attributes])

    def letters(
        self, limit: int, *, sink: str | None = None, replaying: bool = False, after: Position | None = None
    ) -> Sequence[DeadLetter]:
        """Give up to `limit` letters, newest first; with `replaying` only those that shall be offered once more."""
        index, of = _list_of(sink, replaying=replaying)
        after = None if after is None else _position(after)
        found: list[DeadLetter] = []
        while len(found) < limit:
            page = [_letter_of(each) for each in self._items.page(index, of, limit=limit, after=after)]
            # An index may lag behind, and that of those to be sent again is of all sinks.
            found += [each for each in page if sink in (None, each.sink) and (each.replaying or not replaying)]
            if len(page) < limit:
                break
            after = _position(Position(at=page[-1].at, id=page[-1].id))
        return found[:limit]

    def letter(self, letter_id: str) -> DeadLetter | None:
        """Give one letter."""
        item = self._items.get(letter_key(letter_id))
        return None if item is None else _letter_of(item)

    def unbury(self, letter_id: str) -> None:
        """Forget a letter; nothing happens if there is none."""
        self._items.remove_always(letter_key(letter_id))

    def prune(self, sink: str, keep: int = LETTERS_MAX) -> int:
        """Forget a sink's letters but for its newest `keep`, up to PRUNED_MAX of them; give how many went.

        The index has keys only: 10,000 entries are some 100 units of reading.
        """
        entries = self._items.listed(OfChannel.Meta.index_name, letters_of(sink), limit=keep + PRUNED_MAX)
        old = [entry.id for entry in entries[keep:]]
        self._items.remove_many(old)
        return len(old)
