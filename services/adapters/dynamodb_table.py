"""The DynamoDB table: the one description of it, and how it is made."""

from __future__ import annotations

import os
import time
from typing import Any, cast

from botocore.client import BaseClient
from botocore.exceptions import ClientError, NoCredentialsError
from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.connection.table import TableConnection
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.exceptions import TableError
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from services.adapters.aws_endpoint import making_client
from services.adapters.aws_errors import code_of
from services.adapters.dynamodb_errors import SERVICE, cause_of, translated
from services.domain.errors import StateUnavailable

# Together some 10 seconds for a call that nobody answers, and 3 for one that is throttled.
CONNECT_SECONDS = 1.0
READ_SECONDS = 2.5
RETRIES = 2  # by botocore, the one layer that sends a request again; it waits in between
CONNECTIONS_MAX = 64  # as many threads as call at once without making connections that are thrown away

PREPARE_SECONDS = 120.0
_LOOK_SECONDS = 0.5

CHANNELS = "channels"
SESSIONS = "sessions"
OPEN = "open"
REMOVALS = "removals"
PULLS = "pulls"
OUTBOX = "outbox"
LETTERS = "letters"
GATEWAYS = "gateways"
POOL = "pool"
"""Values of the indexes' hash keys, besides channel ids."""


class Newest(GlobalSecondaryIndex["Item"]):  # type: ignore[no-untyped-call] # a hook of pynamodb's without types
    """All channels, all sessions, all streams of the outbox that have events left, and all dead letters, by time."""

    class Meta:
        """Its description."""

        index_name = "newest"
        projection = KeysOnlyProjection()

    listed = UnicodeAttribute(hash_key=True, attr_name="list")
    place = UnicodeAttribute(range_key=True)


class OfChannel(GlobalSecondaryIndex["Item"]):  # type: ignore[no-untyped-call] # a hook of pynamodb's without types
    """Each channel's sessions, and each sink's dead letters, by time."""

    class Meta:
        """Its description."""

        index_name = "of_channel"
        projection = KeysOnlyProjection()

    channel = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class Open(GlobalSecondaryIndex["Item"]):  # type: ignore[no-untyped-call] # a hook of pynamodb's without types
    """The sessions that have not ended or failed, by time, and whose they are; and those that are to be removed."""

    class Meta:
        """Its description; with the channel in it, all that bears on a session is read in one call."""

        index_name = "open"
        projection = IncludeProjection(["channel"])

    open = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class Item(Model):
    """A channel, what it is doing, a session, a lease, a stream of the outbox, one of its events, or a dead letter.

    An item is in an index only while it has the index's attributes: what a lease has is in none, so that heartbeats
    touch none, and an air only while its channel's source is to be fetched.
    """

    id = UnicodeAttribute(hash_key=True)
    record = UnicodeAttribute()
    write_id = UnicodeAttribute()  # of the call that wrote it: how one's own write is known when its answer was lost

    version = NumberAttribute(null=True)  # of all but leases, gateways and idle workers
    epoch = NumberAttribute(null=True)  # of leases
    holder = UnicodeAttribute(null=True)
    gone_at = TTLAttribute(null=True)

    listed = UnicodeAttribute(null=True, attr_name="list")
    place = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(null=True)
    open = UnicodeAttribute(null=True)

    newest = Newest()
    of_channel = OfChannel()
    open_sessions = Open()


INDEXES = (Newest, OfChannel, Open)


def channel_key(channel_id: str) -> str:
    """Give the id of a channel's item."""
    return f"channel/{channel_id}"


def air_key(channel_id: str) -> str:
    """Give the id of the item of what a channel is doing."""
    return f"air/{channel_id}"


def session_key(session_id: str) -> str:
    """Give the id of a session's item."""
    return f"session/{session_id}"


def lease_key(session_id: str) -> str:
    """Give the id of a lease's item."""
    return f"lease/{session_id}"


def stream_key(stream: str) -> str:
    """Give the id of the item of a stream of the outbox."""
    return f"outbox/{stream}"


def event_key(stream: str, sequence: int) -> str:
    """Give the id of the item of an event that has no room with its stream any more."""
    return f"event/{stream}/{sequence}"


def letter_key(letter_id: str) -> str:
    """Give the id of a dead letter's item."""
    return f"letter/{letter_id}"


def gateway_key(name: str) -> str:
    """Give the id of a gateway's item."""
    return f"gateway/{name}"


def pool_key(worker_id: str) -> str:
    """Give the id of an idle worker's item."""
    return f"pool/{worker_id}"


def letters_of(sink: str) -> str:
    """Give under what a sink's letters are listed; no channel has such an id."""
    return f"{LETTERS}/{sink}"


def model_of(table: str, endpoint: str | None) -> type[Item]:
    """Give the model of one table; `endpoint` None means AWS, or what boto's own variables name."""
    meta = {
        "table_name": table,
        "billing_mode": PAY_PER_REQUEST_BILLING_MODE,
        "host": endpoint,
        "region": os.environ.get("AWS_REGION") or None,  # botocore reads AWS_DEFAULT_REGION and the profile only
        "connect_timeout_seconds": CONNECT_SECONDS,
        "read_timeout_seconds": READ_SECONDS,
        "max_retry_attempts": RETRIES,
        "max_pool_connections": CONNECTIONS_MAX,
    }
    return cast("type[Item]", type("TableItem", (Item,), {"Meta": type("Meta", (), meta)}))


def connected(model: type[Item]) -> TableConnection:
    """Give the model's connection with its client made, here and not in the first call: threads would make several.

    Nothing is asked of DynamoDB yet.
    """
    connection = model._get_connection()  # noqa: SLF001 - pynamodb has no public way to what it documents for transactions
    with making_client(StateUnavailable, "DynamoDB", SERVICE):
        connection.connection.client  # noqa: B018 - it is made by the first look
    if connection.connection.session.get_credentials() is None:
        raise NoCredentialsError
    return connection


def prepare(table: str, *, endpoint: str | None = None) -> None:
    """Make the table if it is missing, and wait until it can be used; two may do so at once.

    Raise StateUnavailable, saying what to do, if that is not possible or if there is another kind of table.
    """
    with translated(table):
        model = model_of(table, endpoint)
        client = cast("BaseClient", connected(model).connection.client)
        _create(model)
        _refuse_foreign(table, _wait(model))
        _expire(table, client)


def _create(model: type[Item]) -> None:
    try:
        model.create_table(ignore_update_ttl_errors=True)  # _expire sees to it, once the table is there
    except TableError as error:
        cause = cause_of(error)
        if not isinstance(cause, ClientError) or code_of(cause) != "ResourceInUseException":
            raise


def _wait(model: type[Item]) -> dict[str, Any]:
    deadline = time.monotonic() + PREPARE_SECONDS
    while True:
        found: dict[str, Any] = model.describe_table()
        if found["TableStatus"] in ("ACTIVE", "UPDATING"):
            return found
        if time.monotonic() > deadline:
            name, status = found["TableName"], found["TableStatus"]
            raise StateUnavailable(f"DynamoDB table {name} is still {status} after {PREPARE_SECONDS:g} s: try again")
        time.sleep(_LOOK_SECONDS)


def _refuse_foreign(table: str, found: dict[str, Any]) -> None:
    keys = [(key["AttributeName"], key["KeyType"]) for key in found["KeySchema"]]
    indexes = {index["IndexName"] for index in found.get("GlobalSecondaryIndexes", [])}
    if keys != [("id", "HASH")] or not indexes >= {index.Meta.index_name for index in INDEXES}:
        raise StateUnavailable(f"DynamoDB table {table} is none of streamkeep's: name another in STREAMKEEP_TABLE")


def _is_expiring(table: str, client: Any) -> bool:  # noqa: ANN401 - botocore makes its methods at run time
    description = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return description["TimeToLiveStatus"] in ("ENABLED", "ENABLING")


def _expire(table: str, client: Any) -> None:  # noqa: ANN401 - as above
    """Let DynamoDB remove what is gone."""
    if _is_expiring(table, client):
        return
    specification = {"AttributeName": Item.gone_at.attr_name, "Enabled": True}
    try:
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    except ClientError:
        if not _is_expiring(table, client):  # somebody else did it meanwhile
            raise
