"""Objects in a bucket of S3, or of what speaks its protocol and knows conditional writes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, FlexibleChecksumError, IncompleteReadError, ResponseStreamingError

from services.adapters import object_keys, s3_errors, s3_multipart
from services.adapters.s3_client import s3_client
from services.domain import keys
from services.domain.errors import ObjectChanged, ObjectExists, ObjectNotFound, StoreBusy
from services.domain.ports import RemoteUrl, StoredObject

MULTIPART_BYTES = 64 * 2**20  # above it an object goes in parts
PART_BYTES = 32 * 2**20
REMOVED_AT_ONCE = 1_000  # S3's own limit
IN_MEMORY_BYTES = 2**20  # up to it a file is sent from memory, which saves asking S3 whether it will take it
LINK_SECONDS_MAX = 900

_CUT_SHORT = (FlexibleChecksumError, IncompleteReadError, ResponseStreamingError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What is known of an object without reading it."""

    etag: str
    bytes: int
    sha256: str | None
    writer: str | None


class S3Store:
    """Keeps each object under its key in one bucket; what wrote it and its SHA-256 are in its metadata too.

    These tell a write of one's own whose answer was lost from another's. To tell an object that is missing from one
    that may not be read, S3 wants the right to list the bucket (s3:ListBucket), which a worker has not.
    """

    def __init__(
        self,
        bucket: str,
        *,
        attempts: int = 1,
        endpoint: str | None = None,
        read_seconds: float | None = None,
        multipart_bytes: int = MULTIPART_BYTES,
        part_bytes: int = PART_BYTES,
        may_list: bool = True,
    ) -> None:
        """Use a bucket that exists; raise StoreUnavailable for settings that cannot be used.

        Each call is tried `attempts` times, each until `read_seconds` of silence (None: as a large object may need).
        To who has no right to list (not `may_list`) an object that may not be read is not there.
        """
        self._client = s3_client(attempts=attempts, endpoint=endpoint, read_seconds=read_seconds)
        self._attempts = attempts
        self._bucket = bucket
        self._writer = uuid.uuid4().hex
        self._multipart_bytes = multipart_bytes
        self._part_bytes = part_bytes
        self._reading = s3_errors.READING if may_list else s3_errors.READING_UNLISTED
        self._checking = s3_errors.CODES if may_list else s3_errors.CHECKING_UNLISTED

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def create(self, key: str, source: Path, *, sha256: str, metadata: Mapping[str, str] | None = None) -> None:
        """Store the file `source` under a new key; raise ObjectExists if it holds other content, or StoreFull."""
        _require_possible(key)
        description = self._description(key, sha256, metadata)
        try:
            with s3_errors.translated(self._what(key), s3_errors.CREATING):
                if source.stat().st_size > self._multipart_bytes:
                    self._create_in_parts(description, source, sha256)
                else:
                    self._create_at_once(description, source, sha256)
        except ObjectExists as error:
            if self._stored_meanwhile(key).sha256 != sha256:
                raise ObjectExists(f"{self._what(key)} exists with other content") from error

    def replace(self, key: str, body: bytes, *, etag: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """Store `body` if the key's tag is still `etag` (None: no object) and give the new tag, else ObjectChanged."""
        _require_possible(key)
        sha256 = hashlib.sha256(body).hexdigest()
        description = self._description(key, sha256, metadata)
        description |= {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        try:
            with s3_errors.translated(self._what(key), s3_errors.REPLACING):
                return self._client.put_object(**description, Body=body, ChecksumSHA256=_checksum(sha256))["ETag"]
        except ObjectChanged:
            with contextlib.suppress(ObjectNotFound):
                stored = self._stored(key)
                if (stored.sha256, stored.writer) == (sha256, self._writer):
                    return stored.etag  # this very write, whose answer was lost
            raise

    def read(self, key: str) -> StoredObject:
        """Give a small object; raise ObjectNotFound."""
        _require_present(key)
        with s3_errors.translated(self._what(key), self._reading):
            for _ in range(self._attempts - 1):  # boto3's own attempts end where the body begins
                with contextlib.suppress(*_CUT_SHORT):
                    return self._get(key)
            return self._get(key)

    def locate(self, key: str, *, seconds: int, saved_as: str | None = None) -> RemoteUrl:
        """Give an address that serves the object for `seconds`, at most 15 minutes; raise ObjectNotFound.

        With `saved_as` a browser saves it under that name.

        It costs one HEAD: without it a viewer would be sent to an error of S3's.
        """
        _require_present(key)
        stored = self._stored(key)
        url = self._address(key, seconds=min(seconds, LINK_SECONDS_MAX), saved_as=saved_as)
        return RemoteUrl(url=url, bytes=stored.bytes)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, as far as they are there, many in each call; raise what the first that stays means."""
        possible = [key for key in keys if object_keys.problem(key) is None]
        for start in range(0, len(possible), REMOVED_AT_ONCE):
            named: Any = [{"Key": key} for key in possible[start : start + REMOVED_AT_ONCE]]
            with s3_errors.translated(f"objects of bucket {self._bucket}"):
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": named, "Quiet": True})
                for refused in answer.get("Errors", ()):
                    said: Any = {"Code": refused.get("Code", ""), "Message": refused.get("Message", "")}
                    raise ClientError({"Error": said}, "DeleteObjects")

    def remove_under(self, prefix: str, limit: int) -> int:
        """Remove up to `limit` objects whose keys begin with `prefix`; give how many. It takes the right to list."""
        with s3_errors.translated(f"bucket {self._bucket}"):
            most = min(limit, REMOVED_AT_ONCE)
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=most)
        found = [each["Key"] for each in answer.get("Contents", ())]
        self.remove(found)
        return len(found)

    def origin(self) -> str:
        """Give the scheme, host and port of every address that `locate` gives."""
        address = urlsplit(self._address("any", seconds=1))
        return f"{address.scheme}://{address.netloc}"

    def check(self) -> None:
        """Raise StoreUnavailable if the bucket is not there or not ours; one that is only busy is there.

        To who has no right to list, S3 says of any bucket that is there that it is forbidden: that it answers is all
        that can be told.
        """
        with contextlib.suppress(StoreBusy), s3_errors.translated(f"bucket {self._bucket}", self._checking):
            self._client.head_bucket(Bucket=self._bucket)

    def _what(self, key: str) -> str:
        return f"object {key!r} of bucket {self._bucket}"

    def _description(self, key: str, sha256: str, metadata: Mapping[str, str] | None) -> dict[str, Any]:
        return {
            "Bucket": self._bucket,
            "Key": key,
            "ContentType": keys.media_type(key),
            "CacheControl": keys.cache_control(key),
            "Metadata": {**(metadata or {}), "sha256": sha256, "writer": self._writer},
        }

    def _create_at_once(self, description: dict[str, Any], source: Path, sha256: str) -> None:
        with source.open("rb") as file:
            body = file.read() if source.stat().st_size <= IN_MEMORY_BYTES else file
            self._client.put_object(**description, IfNoneMatch="*", Body=body, ChecksumSHA256=_checksum(sha256))

    def _create_in_parts(self, description: dict[str, Any], source: Path, sha256: str) -> None:
        with contextlib.suppress(ObjectNotFound):
            self._stored(description["Key"])
            raise ObjectExists  # a look is cheaper than the parts, which S3 would refuse only at their end
        s3_multipart.create(self._client, description, source, sha256=sha256, part_bytes=self._part_bytes)

    def _address(self, key: str, *, seconds: int, saved_as: str | None = None) -> str:
        saved = {} if saved_as is None else {"ResponseContentDisposition": f'attachment; filename="{saved_as}"'}
        with s3_errors.translated(self._what(key)):
            return self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentType": keys.media_type(key),
                    "ResponseCacheControl": keys.cache_control(key),
                    **saved,
                },
                ExpiresIn=seconds,
            )

    def _get(self, key: str) -> StoredObject:
        answer = self._client.get_object(Bucket=self._bucket, Key=key)
        with contextlib.closing(answer["Body"]) as body:
            return StoredObject(body=body.read(), etag=answer["ETag"])

    def _stored(self, key: str) -> _Stored:
        with s3_errors.translated(self._what(key), self._reading):
            answer = self._client.head_object(Bucket=self._bucket, Key=key)
        found = answer["Metadata"]
        return _Stored(
            etag=answer["ETag"],
            bytes=answer["ContentLength"],
            sha256=found.get("sha256"),
            writer=found.get("writer"),
        )

    def _stored_meanwhile(self, key: str) -> _Stored:
        """Give what took a key; if that is gone already, raise what makes the caller write again."""
        try:
            return self._stored(key)
        except ObjectNotFound as error:
            raise StoreBusy(f"{self._what(key)} was there and is not any more") from error


def _require_present(key: str) -> None:
    """Raise ObjectNotFound for a key that no object can have."""
    if object_keys.problem(key) is not None:
        raise ObjectNotFound(f"no object has the key {key!r}")


def _require_possible(key: str) -> None:
    if (problem := object_keys.problem(key)) is not None:
        raise ValueError(f"object {key!r}: {problem}")


def _checksum(sha256: str) -> str:
    """Spell a hex digest as S3 does."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()
