"""Makes a bucket what this project needs: there, ours, private, readable by a page that follows a link."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.adapters import aws_errors, s3_errors
from services.adapters.s3_client import s3_client
from services.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleOutputTypeDef, CORSRuleTypeDef

ATTEMPTS = 3
RULE = "streamkeep"
UNFINISHED_DAYS = 1

_NO_CONSTRAINT = "us-east-1"  # the one region that create_bucket does not take by name
_NOT_SUPPORTED = frozenset({"405", "501", "MethodNotAllowed", "NotImplemented"})
_BEING_MADE = frozenset({"BucketAlreadyOwnedByYou", "OperationAborted"})


def prepare(bucket: str, *, endpoint: str | None = None) -> None:
    """Make the bucket if it is missing and set what it needs; safe to repeat, and beside another who does the same.

    Raise StoreUnavailable, naming what to do, for a bucket that is somebody else's.
    """
    client = s3_client(attempts=ATTEMPTS, endpoint=endpoint)
    with contextlib.closing(client), s3_errors.translated(f"bucket {bucket}"):
        if not _is_there(client, bucket):
            _make(client, bucket)
        _keep_private(client, bucket)
        _let_pages_read(client, bucket)
        _drop_unfinished_uploads(client, bucket)


def _is_there(client: S3Client, bucket: str) -> bool:
    with _unless({"404", "NoSuchBucket"}):
        client.head_bucket(Bucket=bucket)
        return True
    return False


def _make(client: S3Client, bucket: str) -> None:
    region = client.meta.region_name
    with _unless(_BEING_MADE), _spoken_to():
        if region == _NO_CONSTRAINT:
            client.create_bucket(Bucket=bucket)
        else:
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item] # any region's name
    client.get_waiter("bucket_exists").wait(Bucket=bucket, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def _keep_private(client: S3Client, bucket: str) -> None:
    with _unless(_NOT_SUPPORTED):
        client.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )


def _let_pages_read(client: S3Client, bucket: str) -> None:
    """Set our rule of CORS, and leave others' as they are.

    Pages of every origin, as the links themselves allow: to one that is not the metadata service's own a browser gives
    the origin `null` once it has followed the redirect (Fetch: redirect-tainted origin), which only `*` lets in. What
    guards an object is the signature of its address.
    """
    ours: CORSRuleTypeDef = {
        "ID": RULE,
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
        "MaxAgeSeconds": 3_600,
    }
    with _unless(_NOT_SUPPORTED):
        others = [rule for rule in _cors_rules(client, bucket) if rule.get("ID") != RULE]
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [*others, ours]})


def _cors_rules(client: S3Client, bucket: str) -> list[CORSRuleOutputTypeDef]:
    with _unless({"NoSuchCORSConfiguration"}):
        return client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    return []


def _drop_unfinished_uploads(client: S3Client, bucket: str) -> None:
    """Let S3 remove the parts that a killed worker left, unless the bucket has rules of its own."""
    with _unless({"NoSuchLifecycleConfiguration", *_NOT_SUPPORTED}):
        client.get_bucket_lifecycle_configuration(Bucket=bucket)
        return
    with _unless(_NOT_SUPPORTED):
        client.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": RULE,
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
                    }
                ]
            },
        )


@contextlib.contextmanager
def _spoken_to() -> Iterator[None]:
    """Raise StoreUnavailable for a refusal without a word: S3 says why it makes no bucket, other servers do not."""
    try:
        yield
    except ClientError as error:
        if aws_errors.is_bare(error):
            raise StoreUnavailable(f"S3: {aws_errors.remedy_of(error, s3_errors.SERVICE)} ({error})") from error
        raise


@contextlib.contextmanager
def _unless(codes: set[str] | frozenset[str]) -> Iterator[None]:
    """Go on after the block if S3 answered one of `codes`."""
    try:
        yield
    except ClientError as error:
        if aws_errors.code_of(error) not in codes:
            raise
