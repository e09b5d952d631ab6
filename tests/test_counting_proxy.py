from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.counting_proxy import CountingProxy
from tests.emulators import CREDENTIALS, Emulators

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TABLE = "counted"


@pytest.fixture
def proxy(emulators: Emulators) -> Iterator[CountingProxy]:
    address = urlsplit(emulators.url("ministack"))
    with CountingProxy(address.hostname or "", address.port or 0) as proxy:
        yield proxy


@pytest.fixture
def s3(proxy: CountingProxy) -> Iterator[S3Client]:
    client = boto3.client(
        "s3", endpoint_url=proxy.url, config=Config(s3={"addressing_style": "path"}, signature_version="s3v4")
    )
    client.create_bucket(Bucket=TABLE, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    proxy.reset()
    yield client
    client.close()


def test_objects_pass_whole_and_are_counted_by_method(proxy: CountingProxy, s3: S3Client) -> None:
    body = bytes(range(256)) * 8_192  # 2 MB, for which S3 is asked first whether it will take it
    s3.put_object(Bucket=TABLE, Key="a/b", Body=body, Metadata={"x": "y"})
    found = s3.get_object(Bucket=TABLE, Key="a/b")
    head = s3.head_object(Bucket=TABLE, Key="a/b")

    assert found["Body"].read() == body
    assert (head["ContentLength"], head["Metadata"]) == (len(body), {"x": "y"})
    assert proxy.snapshot().methods == {"PUT": 1, "GET": 1, "HEAD": 1}
    assert proxy.snapshot().calls == {}


def test_all_that_is_asked_at_once_is_counted_and_a_reset_begins_anew(proxy: CountingProxy, s3: S3Client) -> None:
    s3.put_object(Bucket=TABLE, Key="c", Body=b"c")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: s3.head_object(Bucket=TABLE, Key="c"), range(64)))
    counted = proxy.reset()

    assert counted.methods == {"PUT": 1, "HEAD": 64}
    assert proxy.snapshot().methods == {}


def test_dynamodb_is_counted_by_operation_by_item_and_by_consistency(proxy: CountingProxy) -> None:
    client = boto3.client("dynamodb", endpoint_url=proxy.url, region_name=CREDENTIALS["AWS_REGION"])
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    proxy.reset()
    keys = [{"id": {"S": str(number)}} for number in range(3)]
    client.put_item(TableName=TABLE, Item=keys[0])
    client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": key}} for key in keys[1:]])
    client.get_item(TableName=TABLE, Key=keys[0], ConsistentRead=True)
    client.get_item(TableName=TABLE, Key=keys[0])
    client.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    client.delete_table(TableName=TABLE)
    client.close()
    counted = proxy.snapshot()

    assert counted.calls == {
        "PutItem": 1,
        "TransactWriteItems": 1,
        "GetItem": 2,
        "BatchGetItem": 2,
        "DeleteTable": 1,
    }
    assert (counted.writes, counted.reads, counted.consistent_reads) == (3, 8, 4)
    assert counted.methods == {}
