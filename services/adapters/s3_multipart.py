"""Sends a large object in parts, which become one object at once or nothing."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from services.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PARTS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One object on its way."""

    client: S3Client
    bucket: str
    key: str
    upload_id: str

    def send(self, number: int, body: bytes) -> CompletedPartTypeDef:
        """Send a part, whose checksum the server compares."""
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        answer = self.client.upload_part(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.upload_id,
            PartNumber=number,
            Body=body,
            ChecksumSHA256=checksum,
        )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def complete(self, parts: list[CompletedPartTypeDef]) -> None:
        """Make the parts an object, unless the key has one."""
        self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self.upload_id,
            IfNoneMatch="*",
            MultipartUpload={"Parts": parts},
        )

    def abort(self) -> None:
        """Drop the parts; what cannot be dropped now goes by the bucket's rule for unfinished uploads."""
        with contextlib.suppress(BotoCoreError, ClientError):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self.upload_id)


@contextlib.contextmanager
def _begun(client: S3Client, description: dict[str, Any]) -> Iterator[Upload]:
    """Begin an upload, which is aborted if anything at all leaves the block."""
    answer = client.create_multipart_upload(**description, ChecksumAlgorithm="SHA256")
    upload = Upload(client=client, bucket=description["Bucket"], key=description["Key"], upload_id=answer["UploadId"])
    try:
        yield upload
    except BaseException:
        upload.abort()
        raise


def create(client: S3Client, description: dict[str, Any], source: Path, *, sha256: str, part_bytes: int) -> None:
    """Create the described object from `source`, one part in memory; raise botocore's errors, or StoreUnavailable.

    S3 checks each part's SHA-256 but not the whole's, which is compared here before the object appears.
    """
    part_bytes = max(part_bytes, -(-source.stat().st_size // PARTS_MAX))
    whole = hashlib.sha256()
    parts: list[CompletedPartTypeDef] = []
    with source.open("rb") as file, _begun(client, description) as upload:
        while body := file.read(part_bytes):
            whole.update(body)
            parts.append(upload.send(len(parts) + 1, body))
        if whole.hexdigest() != sha256:
            raise StoreUnavailable(f"object {upload.key}: {source} is not what its checksum says")
        upload.complete(parts)
