"""Buckets of emulators: each test's place has one of its own, in the server whose address is written there."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from services.adapters.s3_client import s3_client
from services.adapters.s3_store import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EMULATORS = {"s3-ministack": "ministack", "s3-moto": "moto"}
"""Which emulator serves a world of S3."""

# What an emulator does not do as S3 does, so that no test can ask it; a proxy or a script asks in its stead.
#   both: the checksum that is sent is not compared (ministack even records it as the content's own);
#         CORS is answered by their own rules, not by the bucket's.
#   moto: neither expiry nor signature of a presigned address is looked at, and response-content-type is not obeyed.
#   ministack: a wrong secret is taken; making a bucket again is success; parts may be of any size; while an object is
#         replaced, a reader may get the description of one version and the body of another, so that its checksum
#         is wrong and boto3 refuses it: hence READ_ATTEMPTS. What it got of an upload that was cut short it would keep:
#         tests/doubles/whole_ministack.py.
READ_ATTEMPTS = 5


def bucket_of(place: Path) -> str:
    return f"test-{hashlib.sha256(bytes(place)).hexdigest()[:32]}"


@functools.cache  # a client takes a tenth of a second to make
def client_of(endpoint: str) -> S3Client:
    return s3_client(attempts=1, endpoint=endpoint)


def make_bucket(place: Path, endpoint: str) -> None:
    """Make a place's bucket; processes that open the store later find it by what is written there."""
    (place / "endpoint").write_text(endpoint)
    client_of(endpoint).create_bucket(
        Bucket=bucket_of(place), CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )


def open_bucket(place: Path) -> S3Store:
    return S3Store(bucket_of(place), endpoint=(place / "endpoint").read_text(), attempts=READ_ATTEMPTS)
