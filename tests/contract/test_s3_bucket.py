"""A bucket made ready: from nothing, again, beside another who does the same, and never somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from services.adapters import s3_bucket
from services.adapters.s3_store import S3Store
from services.domain.errors import StoreUnavailable
from tests.contract import racing_tasks, s3_world
from tests.contract.racing import Racers
from tests.contract.test_object_store import HEAD
from tests.doubles.strict_s3 import StrictS3, refuse
from tests.emulators import Emulators

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef

EVERYBODY = "*"


@pytest.fixture
def endpoint(emulators: Emulators) -> str:
    """Give the server that, unlike the other one, refuses to make a bucket again."""
    return emulators.url("moto")


@pytest.fixture
def client(endpoint: str) -> S3Client:
    return s3_world.client_of(endpoint)


@pytest.fixture
def strict(endpoint: str) -> Iterator[StrictS3]:
    with StrictS3(endpoint) as strict:
        yield strict


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    """Name a bucket that nobody made yet."""
    return s3_world.bucket_of(tmp_path)


def origins(client: S3Client, bucket: str) -> list[list[str]]:
    return [rule["AllowedOrigins"] for rule in client.get_bucket_cors(Bucket=bucket)["CORSRules"]]


def test_a_bucket_that_is_missing_is_made_in_the_region_and_keeps_objects(
    client: S3Client, bucket: str, endpoint: str
) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)

    assert client.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-central-1"
    store = S3Store(bucket, endpoint=endpoint)
    store.check()
    store.replace(HEAD, b"one", etag=None)


def test_a_bucket_of_the_oldest_region_is_made_without_naming_it(
    client: S3Client, bucket: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    s3_bucket.prepare(bucket, endpoint=endpoint)

    client.head_bucket(Bucket=bucket)


def test_pages_of_every_origin_may_read_and_see_ranges(client: S3Client, bucket: str, endpoint: str) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)

    (rule,) = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert (rule["AllowedOrigins"], sorted(rule["AllowedMethods"])) == ([EVERYBODY], ["GET", "HEAD"])
    assert "Content-Range" in rule["ExposeHeaders"]


def test_nothing_in_the_bucket_can_be_made_public(client: S3Client, bucket: str, endpoint: str) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)

    block = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())


def test_parts_that_a_killed_worker_left_are_dropped_after_a_day(client: S3Client, bucket: str, endpoint: str) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)

    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert rule["Status"] == "Enabled"


def test_preparing_again_changes_nothing(client: S3Client, bucket: str, endpoint: str) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)
    S3Store(bucket, endpoint=endpoint).replace(HEAD, b"one", etag=None)

    s3_bucket.prepare(bucket, endpoint=endpoint)

    assert origins(client, bucket) == [[EVERYBODY]]
    assert S3Store(bucket, endpoint=endpoint).read(HEAD).body == b"one"


def test_rules_that_the_bucket_has_already_stay(client: S3Client, bucket: str, endpoint: str) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)
    theirs: CORSRuleTypeDef = {"AllowedOrigins": ["https://other.example"], "AllowedMethods": ["PUT"]}
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [theirs]})
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [{"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 9}}]
        },
    )

    s3_bucket.prepare(bucket, endpoint=endpoint)

    assert origins(client, bucket) == [["https://other.example"], [EVERYBODY]]
    assert [rule["ID"] for rule in client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]] == ["theirs"]


def test_four_processes_may_prepare_one_bucket(client: S3Client, bucket: str, endpoint: str, racers: Racers) -> None:
    racers.run(racing_tasks.prepare_bucket, bucket, endpoint)

    assert origins(client, bucket) == [[EVERYBODY]]


def test_a_bucket_that_another_is_making_just_now_is_waited_for(strict: StrictS3, bucket: str, endpoint: str) -> None:
    s3_bucket.prepare(bucket, endpoint=endpoint)
    strict.meet("HEAD", refuse(404, "-"), times=2)  # at the first look, and at the first after the refusal
    strict.meet("PUT", refuse(409, "OperationAborted"))

    s3_bucket.prepare(bucket, endpoint=strict.url)

    assert len(strict.of("HEAD")) == 3


def test_a_bucket_that_is_somebody_elses_is_an_error_that_says_what_to_do(
    strict: StrictS3, client: S3Client, bucket: str
) -> None:
    strict.meet("PUT", refuse(409, "BucketAlreadyExists"))

    with pytest.raises(StoreUnavailable, match="is somebody else's: set STREAMKEEP_BUCKET to another name"):
        s3_bucket.prepare(bucket, endpoint=strict.url)
    with pytest.raises(ClientError):
        client.head_bucket(Bucket=bucket)


def test_a_bucket_that_may_not_be_looked_at_is_an_error_that_says_what_to_do(strict: StrictS3, bucket: str) -> None:
    strict.meet("HEAD", refuse(403, "-"))

    with pytest.raises(StoreUnavailable, match="set STREAMKEEP_BUCKET to a bucket of yours"):
        s3_bucket.prepare(bucket, endpoint=strict.url)


def test_an_endpoint_that_knows_no_such_settings_still_gives_a_bucket(
    strict: StrictS3, client: S3Client, bucket: str
) -> None:
    for setting in ("publicAccessBlock", "cors", "lifecycle"):
        strict.meet("PUT", refuse(501, "NotImplemented"), part=setting)

    s3_bucket.prepare(bucket, endpoint=strict.url)

    client.head_bucket(Bucket=bucket)
    assert len(strict.of("PUT")) == 4
