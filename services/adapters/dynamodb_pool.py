"""The warm pool in DynamoDB.

Idle workers are listed by zone, so that a claimer reads those of one zone in one call, and claimed ones apart. Where an
item is listed changes by its claim only: to extend a row writes to no index.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from pynamodb.expressions.condition import Condition

from services.adapters.dynamodb_items import Items, Refused, Write
from services.adapters.dynamodb_table import POOL, Item, Newest, pool_key
from services.adapters.record_text import decoded, encoded
from services.domain.errors import VersionConflict
from services.domain.pool import (
    CLAIM_KEPT,
    FORGOTTEN_AFTER,
    IdleWorker,
    idle_worker_from_record,
    idle_worker_record,
)

CLAIMS_MAX = 32
"""A claim that others come before so often finds none: each of those took another worker."""
_CLAIMED = "+"  # no zone is called so


def _worker(item: Item) -> IdleWorker:
    return idle_worker_from_record(decoded(item.record))


def _write(worker: IdleWorker, condition: Condition) -> Write:
    attributes = {
        "id": pool_key(worker.id),
        "holder": worker.session_id,
        "listed": POOL,
        "place": f"{_CLAIMED if worker.is_claimed else worker.zone}/{worker.id}",
        "gone_at": worker.seen_at + (CLAIM_KEPT if worker.is_claimed else FORGOTTEN_AFTER),
        "record": encoded(idle_worker_record(worker)),
    }
    return Write(attributes=attributes, condition=condition)


def _shuffled(entries: Sequence[Item]) -> Sequence[str]:
    """Give the entries' ids in an order of one's own: claimers of one moment shall not run for the same worker."""
    return [entry.id for entry in random.sample(entries, len(entries))]


class DynamodbPool:
    """Keeps the rows of idle workers, each in an item of its own."""

    def __init__(self, items: Items) -> None:
        """Use `items`, which its owner closes."""
        self._items = items

    def offer(self, worker: IdleWorker) -> None:
        """Store an unclaimed worker's row or extend it; raise VersionConflict once it is claimed."""
        try:
            self._items.put(_write(worker, Item.holder.does_not_exist()))
        except Refused as refused:
            raise VersionConflict(f"the idle worker {worker.id} is claimed") from refused

    def claim(self, channel_id: str, session_id: str, *, zone: str, now: datetime) -> IdleWorker | None:
        """Take a live idle worker for a session, one in `zone` before others, or None; each goes to one claimer."""
        tries = 0
        for worker in self._candidates(zone):
            if worker.is_claimed or not worker.is_alive(now):
                continue
            claimed = replace(worker, channel_id=channel_id, session_id=session_id)
            try:
                self._items.put(_write(claimed, Item.id.exists() & Item.holder.does_not_exist()))
            except Refused:
                tries += 1
                if tries == CLAIMS_MAX:
                    return None
            else:
                return claimed
        return None

    def _candidates(self, zone: str) -> Iterator[IdleWorker]:
        """Give those that are listed as idle, a few read at a time: first those of the zone, then the others."""
        listed = partial(self._items.listed, Newest.Meta.index_name, POOL)
        near = _shuffled(self._items.listed_under(Newest.Meta.index_name, POOL, f"{zone}/"))
        yield from self._read(near)
        others = [entry for entry in listed() if not entry.place.startswith(f"{_CLAIMED}/")]
        yield from self._read([key for key in _shuffled(others) if key not in set(near)])

    def _read(self, keys: Sequence[str]) -> Iterator[IdleWorker]:
        for start in range(0, len(keys), CLAIMS_MAX):
            some = keys[start : start + CLAIMS_MAX]
            found = self._items.get_many(some, consistent=False)
            yield from (_worker(found[key]) for key in some if key in found)

    def get(self, worker_id: str) -> IdleWorker | None:
        """Give a row as it was stored last, or None."""
        item = self._items.get(pool_key(worker_id))
        return None if item is None else _worker(item)

    def all(self) -> Sequence[IdleWorker]:
        """Give every row, dead and claimed ones too, by id; each may lag behind by a second."""
        entries = self._items.listed(Newest.Meta.index_name, POOL)
        found = self._items.get_many([entry.id for entry in entries], consistent=False)
        return [_worker(found[key]) for key in sorted(found)]

    def remove(self, worker_id: str, *, unless_claimed: bool = False) -> None:
        """Forget a row; nothing happens where there is none. `unless_claimed`: raise VersionConflict if it is."""
        if not unless_claimed:
            self._items.remove_always(pool_key(worker_id))
            return
        try:
            self._items.remove(pool_key(worker_id), Item.holder.does_not_exist())
        except Refused as refused:
            raise VersionConflict(f"the idle worker {worker_id} is claimed") from refused
