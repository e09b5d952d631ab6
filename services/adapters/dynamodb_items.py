"""The items of one DynamoDB table: how they are read, listed and written."""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DeleteError, PutError, PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from services.adapters.dynamodb_errors import Refusal, refusal_of, translated, was_sent_again
from services.adapters.dynamodb_table import Item, connected, model_of
from services.domain import times
from services.domain.errors import StateUnavailable
from services.domain.ports import Position

BATCH_MAX = 100  # keys in one call
WRITES_MAX = 25  # items in one call
_TURNS_MAX = 6
_TURN_SECONDS = 0.02  # before the second turn; each pause is up to twice as long as the one before
_BEFORE_ALL = "~"  # sorts after every place
_ID_MAX = 64  # characters; no id is longer, whatever a cursor says


def place_of(position: Position) -> str:
    """Give the sort key of an entry of a list."""
    name = position.id.encode(errors="replace").decode()[:_ID_MAX]
    return f"{times.text(position.at)}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An item as it shall be, and what must hold of the one that is stored."""

    attributes: Mapping[str, Any]
    condition: Condition


class Refused(Exception):
    """Something else is stored than a write's condition says; of a single write, `stored` is that."""

    def __init__(self, stored: Item | None = None) -> None:
        """Take what is stored, None where nothing is."""
        super().__init__()
        self.stored = stored


def _turns() -> Iterator[None]:
    """Give a few turns, with pauses in between, for what botocore does not ask again."""
    for turn in range(_TURNS_MAX):
        if turn:
            time.sleep(random.uniform(0, _TURN_SECONDS * 2**turn))  # noqa: S311 - a pause is no secret
        yield


class Items:
    """One table, for many threads; a process that forks opens its own afterwards."""

    def __init__(self, table: str, *, endpoint: str | None = None) -> None:
        """Find region and credentials; raise StateUnavailable, saying what to do, if there are none."""
        self._table = table
        self._closed = False
        self._model = model_of(table, endpoint)
        with translated(table):
            self._connection = connected(self._model)

    @contextlib.contextmanager
    def _calling(self) -> Iterator[None]:
        if self._closed:
            raise self._unavailable("it was closed")
        with translated(self._table):
            yield

    def get(self, key: str) -> Item | None:
        """Give the item that was stored last, if there is one."""
        with self._calling():
            try:
                return self._model.get(key, consistent_read=True)
            except self._model.DoesNotExist:
                return None

    def get_many(self, keys: Sequence[str], *, consistent: bool) -> Mapping[str, Item]:
        """Give those items that exist; unless `consistent`, each may lag behind its last change."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Item] = {}
        with self._calling():
            for start in range(0, len(wanted), BATCH_MAX):
                for item in self._batch(wanted[start : start + BATCH_MAX], consistent=consistent):
                    found[item.id] = item
        return found

    def _batch(self, keys: Sequence[str], *, consistent: bool) -> Iterator[Item]:
        """Ask again for what was left out of an answer; pynamodb's own batch does so for ever and without a pause."""
        left: Sequence[Any] = [{"id": key} for key in keys]
        for _ in _turns():
            answer = self._connection.batch_get_item(left, consistent_read=consistent)
            yield from map(self._model.from_raw_data, answer["Responses"].get(self._table, []))
            left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not left:
                return
        raise self._unavailable("it answers too little at once; try again")

    def listed(self, index: str, of: str, *, before: str = _BEFORE_ALL, limit: int | None = None) -> Sequence[Item]:
        """Give an index's entries, newest first; they are keys only and may lag behind."""
        with self._calling():
            places = Item.place < before
            entries = self._model.query(of, places, index_name=index, scan_index_forward=False, limit=limit)
            return list(entries)

    def listed_under(self, index: str, of: str, prefix: str) -> Sequence[Item]:
        """Give an index's entries whose place begins so; they are keys only and may lag behind."""
        with self._calling():
            return list(self._model.query(of, Item.place.startswith(prefix), index_name=index))

    def oldest(self, index: str, of: str, *, after: str, limit: int) -> Sequence[Item]:
        """Give an index's entries after a place, oldest first; they are keys only and may lag behind."""
        with self._calling():
            return list(self._model.query(of, Item.place > after, index_name=index, limit=limit))

    def page(self, index: str, of: str, *, limit: int, after: Position | None) -> Sequence[Item]:
        """Give up to `limit` items as they were stored last, newest first; fewer only at the list's end.

        An entry whose item is gone already leaves room for the next one.
        """
        before = _BEFORE_ALL if after is None else place_of(after)
        page: list[Item] = []
        while len(page) < limit:
            asked = limit - len(page)
            entries = self.listed(index, of, before=before, limit=asked)
            found = self.get_many([entry.id for entry in entries], consistent=True)
            page += [found[entry.id] for entry in entries if entry.id in found]
            if len(entries) < asked:
                break
            before = entries[-1].place
        return page

    def put_always(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Store items whatever is there, WRITES_MAX at most; some may be stored where it fails."""
        new: Sequence[Any] = [self._model(**each, write_id=uuid.uuid4().hex).serialize() for each in items]
        with self._calling():
            self._batch_written(new, lambda left: self._connection.batch_write_item(put_items=left))

    def remove_many(self, keys: Sequence[str]) -> None:
        """Remove items, as far as they are there; some may be gone where it fails."""
        with self._calling():
            for start in range(0, len(keys), WRITES_MAX):
                old: Sequence[Any] = [{"id": key} for key in keys[start : start + WRITES_MAX]]
                self._batch_written(old, lambda left: self._connection.batch_write_item(delete_items=left))

    def _batch_written(self, left: Sequence[Any], write: Callable[[Sequence[Any]], Mapping[str, Any]]) -> None:
        """Ask again for what an answer says was left."""
        for _ in _turns():
            unprocessed = write(left).get("UnprocessedItems", {}).get(self._table, [])
            requests = [request.get("PutRequest") or request["DeleteRequest"] for request in unprocessed]
            left = [request.get("Item") or request["Key"] for request in requests]
            if not left:
                return
        raise self._unavailable("it takes too little at once; try again")

    def put(self, *writes: Write) -> None:
        """Store one item, or several all or nothing; raise Refused unless each condition holds."""
        write_id = uuid.uuid4().hex
        items = [self._model(**write.attributes, write_id=write_id) for write in writes]
        conditions = [write.condition for write in writes]
        with self._calling():
            refusal = self._refusal_of(lambda: self._send(items, conditions))
            if refusal is None:
                return
            stored = self.get_many([item.id for item in items], consistent=True)
            if all(item.id in stored and stored[item.id].write_id == write_id for item in items):
                return  # one's own write: botocore sent it again because the answer was lost
            raise Refused(stored.get(items[0].id)) from refusal

    def _send(self, items: Sequence[Item], conditions: Sequence[Condition]) -> None:
        if len(items) == 1:
            items[0].save(conditions[0])
            return
        # The token makes a transaction that botocore sends again count once.
        with TransactWrite(connection=self._connection.connection, client_request_token=str(uuid.uuid4())) as together:
            for item, condition in zip(items, conditions, strict=True):
                together.save(item, condition)

    def remove_always(self, key: str) -> None:
        """Remove an item, if there is one."""
        with self._calling():
            self._model(key).delete()

    def remove(self, key: str, condition: Condition) -> None:
        """Remove an item; raise Refused unless the condition holds."""
        with self._calling():
            refusal = self._refusal_of(lambda: self._model(key).delete(condition))
            if refusal is None:
                return
            stored = self.get(key)
            if stored is None and was_sent_again(refusal):
                return  # gone, as was asked; probably by the first request, whose answer was lost
            raise Refused(stored) from refusal

    def _refusal_of(self, write: Callable[[], object]) -> PynamoDBException | None:
        """Write, and give the error that says that a condition does not hold, if one does."""
        for _ in _turns():
            try:
                write()
            except (DeleteError, PutError, TransactWriteError) as error:
                refusal = refusal_of(error)
                if refusal is Refusal.CONDITION:
                    return error
                if refusal is None:
                    raise
            else:
                return None
        raise self._unavailable("others keep writing the same; try again")

    def _unavailable(self, trouble: str) -> StateUnavailable:
        return StateUnavailable(f"DynamoDB table {self._table}: {trouble}")

    def close(self) -> None:
        """Close the connections; later calls raise StateUnavailable."""
        self._closed = True
        self._connection.connection.client.close()
