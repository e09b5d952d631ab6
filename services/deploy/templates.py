"""The templates as one set, which lies in the bucket under the digest of what it holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.deploy.account import code
from services.deploy.images import PROJECT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = PROJECT / "cloudformation"
BOOTSTRAP, MAIN = FOLDER / "bootstrap.yaml", FOLDER / "main.yaml"
DIGITS = 16


def nested() -> list[Path]:
    """Give the files that are looked for in the bucket, main.yaml among them."""
    return sorted(path for path in FOLDER.glob("*.yaml") if path != BOOTSTRAP)


def digest() -> str:
    """Give what tells this set from any other."""
    hashed = hashlib.sha256()
    for path in nested():
        hashed.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return hashed.hexdigest()[:DIGITS]


def publish(s3: S3Client, bucket: str) -> int:
    """Upload what is not there yet; say how many that were."""
    count = 0
    for path in nested():
        key = f"{digest()}/{path.name}"
        if not _is_there(s3, bucket, key):
            s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType="application/yaml")
            count += 1
    return count


def base(virtual: str) -> str:
    """Give the set's address, of the bucket's `https://<bucket>.<host>`: CloudFormation reads `https://<host>/<bucket>`."""
    bucket, _, host = virtual.removeprefix("https://").partition(".s3.")
    return f"https://s3.{host}/{bucket}/{digest()}"


def _is_there(s3: S3Client, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code(error) in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
