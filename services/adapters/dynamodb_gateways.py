"""The gateways' rows in DynamoDB."""

from __future__ import annotations

from collections.abc import Sequence

from services.adapters.dynamodb_items import Items
from services.adapters.dynamodb_table import GATEWAYS, Item, Newest, gateway_key
from services.adapters.record_text import decoded, encoded
from services.domain.clock import Clock
from services.domain.gateways import FORGOTTEN_AFTER, Gateway, gateway_from_record, gateway_record


class DynamodbGateways:
    """Keeps a row for each life of a gateway; its place in the list never changes, so that a beat is one write."""

    def __init__(self, items: Items, clock: Clock) -> None:
        """Use `items`, which its owner closes."""
        self._items = items
        self._clock = clock

    def put(self, gateway: Gateway) -> None:
        """Store a gateway's own row, whatever was there; raise InvalidInput if it is too large to keep."""
        attributes = {
            "id": gateway_key(gateway.name),
            "record": encoded(gateway_record(gateway)),
            "gone_at": gateway.seen_at + FORGOTTEN_AFTER,
            "listed": GATEWAYS,
            "place": gateway.name,
        }
        self._items.put_always([attributes])

    def get(self, name: str) -> Gateway | None:
        """Give a row as it was stored last, or None."""
        return self._gateway(self._items.get(gateway_key(name)))

    def all(self) -> Sequence[Gateway]:
        """Give every row, dead ones too, by name."""
        keys = [entry.id for entry in self._items.listed(Newest.Meta.index_name, GATEWAYS)]
        found = self._items.get_many(keys, consistent=False)
        gateways = (self._gateway(found[key]) for key in sorted(found))
        return [gateway for gateway in gateways if gateway is not None]

    def remove(self, name: str) -> None:
        """Forget a row; nothing happens where there is none."""
        self._items.remove_always(gateway_key(name))

    def _gateway(self, item: Item | None) -> Gateway | None:
        """Read an item; DynamoDB removes what is forgotten in its own time, but it counts no more."""
        gateway = None if item is None else gateway_from_record(decoded(item.record))
        return None if gateway is None or gateway.is_forgotten(self._clock.now()) else gateway
