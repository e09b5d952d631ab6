"""Tables of emulators, for the tests of the contract and for those of DynamoDB alone."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import boto3

from services.adapters import dynamodb_table
from services.adapters.dynamodb_state import DynamodbState
from services.domain.clock import Clock

EMULATORS = {"dynamodb-moto": "moto", "dynamodb-ministack": "ministack", "dynamodb-dynoxide": "dynoxide"}
"""Which emulator serves a world of DynamoDB."""

# What the emulators do not do as DynamoDB does, so that no test of the contract can ask it:
#   all: reads are never behind, indexes neither; nothing is throttled; two transactions are never in conflict;
#        an item whose time is over stays (ministack removes it some time later). A small server of our own answers
#        so in test_dynamodb_answers.py.
#   moto: a transaction's token is not looked at: what is sent again is refused by its conditions, and told by
#        `write_id` as on every other world.


_LENT = "lent"


def table_of(place: Path) -> str:
    return f"test-{hashlib.sha256(bytes(place)).hexdigest()[:32]}"


@functools.cache
def _client(endpoint: str) -> Any:  # noqa: ANN401 - botocore makes its methods at run time
    """Give a client of a server in which the table to lend is made."""
    prepare_for_ever(_LENT, endpoint)
    return boto3.client("dynamodb", endpoint_url=endpoint, region_name="eu-central-1")


def prepare_for_ever(table: str, endpoint: str) -> None:
    """Make a table from which nothing is removed.

    The tests' time stands still on a day that is over: ministack would remove what is over by its own clock.
    """
    dynamodb_table.prepare(table, endpoint=endpoint)
    client: Any = boto3.client("dynamodb", endpoint_url=endpoint, region_name="eu-central-1")
    client.update_time_to_live(TableName=table, TimeToLiveSpecification={"AttributeName": "gone_at", "Enabled": False})
    client.close()


def lend_table(place: Path, endpoint: str) -> None:
    """Give a place the one table that all tests of the contract use in turn, empty again: a new one takes longer."""
    client = _client(endpoint)
    while items := client.scan(TableName=_LENT, ProjectionExpression="id", Limit=25)["Items"]:
        client.batch_write_item(RequestItems={_LENT: [{"DeleteRequest": {"Key": item}} for item in items]})
    (place / "endpoint").write_text(endpoint)
    (place / "table").write_text(_LENT)


def make_table(place: Path, endpoint: str) -> None:
    """Make a table for a place alone, such as `prepare` makes."""
    client = _client(endpoint)
    found = client.describe_table(TableName=_LENT)["Table"]
    same = {name: found[name] for name in ("KeySchema", "AttributeDefinitions")}
    wanted = ("IndexName", "KeySchema", "Projection")
    indexes = [{name: index[name] for name in wanted} for index in found["GlobalSecondaryIndexes"]]
    client.create_table(
        TableName=table_of(place), BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=indexes, **same
    )


def open_table(place: Path, clock: Clock) -> DynamodbState:
    """Open the table that was lent to a place, in whatever process."""
    return DynamodbState((place / "table").read_text(), endpoint=(place / "endpoint").read_text(), clock=clock)
