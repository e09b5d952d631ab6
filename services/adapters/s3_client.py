"""Makes the clients that speak to S3, or to what speaks its protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import NoRegionError

from services.adapters import aws_endpoint, s3_errors
from services.domain.errors import StoreUnavailable

if TYPE_CHECKING:
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
        session = Session(region_name=os.environ.get("AWS_REGION"))  # which boto3 by itself does not read
        if session.region_name is None:
            raise NoRegionError
        with aws_endpoint.making_client(StoreUnavailable, "S3", s3_errors.SERVICE):
            return session.client(
                "s3", endpoint_url=endpoint, config=_config(attempts, endpoint, read_seconds or READ_SECONDS)
            )


def _config(attempts: int, endpoint: str | None, read_seconds: float) -> Config:
    own = endpoint is not None or aws_endpoint.variable(s3_errors.SERVICE) is not None
    return Config(
        signature_version="s3v4",  # else boto3 presigns by version 2 for some endpoints, which nobody checks well
        # Virtual by name and not by default: else boto3 presigns for the global endpoint, which sends those who ask for
        # a new bucket's object on to its region, where the signature is wrong. A name with dots goes into the path.
        s3={"addressing_style": "path" if own else "virtual"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
    )
