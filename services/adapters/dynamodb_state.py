"""State in one DynamoDB table."""

from __future__ import annotations

from typing import Self

from services.adapters.dynamodb_channels import DynamodbChannels
from services.adapters.dynamodb_gateways import DynamodbGateways
from services.adapters.dynamodb_items import Items
from services.adapters.dynamodb_leases import DynamodbLeases
from services.adapters.dynamodb_outbox import DynamodbOutbox
from services.adapters.dynamodb_overview import DynamodbOverview
from services.adapters.dynamodb_pool import DynamodbPool
from services.adapters.dynamodb_sessions import DynamodbSessions
from services.domain.clock import Clock, SystemClock


class DynamodbState:
    """Channels, sessions, leases and events in one table, for many threads and many machines."""

    def __init__(self, table: str, *, endpoint: str | None = None, clock: Clock | None = None) -> None:
        """Find region and credentials, and ask nothing yet; raise StateUnavailable, saying what to do.

        `endpoint` None means AWS, or what AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL names.
        """
        clock = clock or SystemClock()
        self._items = Items(table, endpoint=endpoint)
        self.channels = DynamodbChannels(self._items)
        self.outbox = DynamodbOutbox(self._items, clock)
        self.sessions = DynamodbSessions(self._items, self.outbox)
        self.leases = DynamodbLeases(self._items, clock)
        self.overview = DynamodbOverview(self._items, clock)
        self.gateways = DynamodbGateways(self._items, clock)
        self.pool = DynamodbPool(self._items)

    def close(self) -> None:
        """Close the connections; later calls raise StateUnavailable."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
