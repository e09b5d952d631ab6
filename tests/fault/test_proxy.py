"""The proxy fails in the way that it is told to, and works again when it is healed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from mypy_boto3_s3 import S3Client

from tests.emulators import Emulators
from tests.fault.proxy import FaultProxy, Mode
from tests.waiting import eventually

BUCKET = "proxy-test"


@pytest.fixture(scope="module")
def ministack(emulators: Emulators) -> str:
    url = emulators.url("ministack")
    client(url).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return url


@pytest.fixture
def store(ministack: str) -> Iterator[FaultProxy]:
    with FaultProxy(ministack) as running:
        yield running


def client(url: str) -> S3Client:
    config = Config(
        s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=1
    )
    return boto3.client("s3", endpoint_url=url, region_name="eu-central-1", config=config)


def put(store: FaultProxy, key: str = "key") -> None:
    client(store.url).put_object(Bucket=BUCKET, Key=key, Body=b"whole")


def kept(ministack: str, key: str) -> bytes:
    return bytes(client(ministack).get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_it_passes_everything_on_by_itself(store: FaultProxy, ministack: str) -> None:
    put(store, "passed")

    assert kept(ministack, "passed") == b"whole"
    assert store.puts[f"/{BUCKET}/passed"] == 1


@pytest.mark.parametrize("mode", ["500", "503", "403"])
def test_it_refuses(store: FaultProxy, mode: Mode) -> None:
    store.fail(mode)
    with pytest.raises(ClientError) as refused:
        put(store)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == int(mode)
    assert store.met[mode] == 1


def test_it_refuses_only_what_it_is_told_to(store: FaultProxy, ministack: str) -> None:
    store.fail("500", part="/recordings/")
    put(store, "hls/one")
    with pytest.raises(ClientError):
        put(store, "recordings/one")

    assert kept(ministack, "hls/one") == b"whole"


def test_it_hangs_and_commits_nothing(store: FaultProxy, ministack: str) -> None:
    store.fail("hang")
    with pytest.raises(BotoCoreError):
        put(store, "hanged")
    with pytest.raises(ClientError):
        kept(ministack, "hanged")


def test_it_commits_and_drops_the_answer(store: FaultProxy, ministack: str) -> None:
    store.fail("drop_answer")
    with pytest.raises(BotoCoreError):
        put(store, "dropped")

    assert kept(ministack, "dropped") == b"whole"


def test_it_is_gone_and_comes_back_at_the_same_address(store: FaultProxy) -> None:
    url = store.url
    store.fail("gone")
    with pytest.raises(EndpointConnectionError):
        put(store)
    store.heal()
    put(store)

    assert store.url == url


def test_it_is_slow_until_it_is_healed(store: FaultProxy, ministack: str) -> None:
    store.fail("slow", seconds=30)
    writer = threading.Thread(target=lambda: put(store, "slow"))
    writer.start()
    eventually(lambda: store.met["slow"], what="the slow PUT has come")
    store.heal()
    writer.join(5)

    assert kept(ministack, "slow") == b"whole"
