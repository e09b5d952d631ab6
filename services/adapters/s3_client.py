"""Makes the clients that speak to S3, or to what speaks its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.adapters import aws_client, aws_endpoint, s3_errors
from services.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 2.0
READ_SECONDS = 20.0  # of silence while sending or waiting: S3 takes some for a large object
CONNECTIONS = 50  # more than any service has threads that ask


def s3_client(*, attempts: int, endpoint: str | None = None, read_seconds: float | None = None) -> S3Client:
    """Give a client, safe among threads, whose calls are tried `attempts` times; raise StoreUnavailable.

    Each attempt is given up after `read_seconds` of silence, READ_SECONDS if None.

    Region, credentials and (`endpoint` None) endpoint are those of the usual AWS_ variables and files.
    """
    with s3_errors.translated("S3"):
        how = _config(attempts, endpoint, read_seconds or READ_SECONDS)
        client: S3Client = aws_client.made("S3", how, StoreUnavailable, endpoint=endpoint)
        return client


def _config(attempts: int, endpoint: str | None, read_seconds: float) -> Config:
    own = endpoint is not None or aws_endpoint.variable(s3_errors.SERVICE) is not None
    return aws_client.config(
        signature_version="s3v4",  # else boto3 presigns by version 2 for some endpoints, which nobody checks well
        # Virtual by name and not by default: else boto3 presigns for the global endpoint, which sends those who ask for
        # a new bucket's object on to its region, where the signature is wrong. A name with dots goes into the path.
        s3={"addressing_style": "path" if own else "virtual"},
        connect_seconds=CONNECT_SECONDS,
        read_seconds=read_seconds,
        attempts=attempts,
        connections=CONNECTIONS,
    )
