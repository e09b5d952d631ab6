"""A bucket seen as a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.config import Config


class Bucket:
    """A copy of what lies in a bucket, made anew at each look, its files dated as the store dates them."""

    def __init__(self, name: str, endpoint: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._client = boto3.client(
            "s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}, signature_version="s3v4")
        )
        self._seen: dict[str, str] = {}

    def look(self) -> Path:
        """Bring the folder up to date and give it."""
        for key, etag in self._listed():
            if self._seen.get(key) != etag:
                self._fetch(key)
        return self.folder

    def keys(self) -> list[str]:
        """List what lies there, and fetch nothing."""
        return [key for key, _ in self._listed()]

    def _listed(self) -> Iterator[tuple[str, str]]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            for entry in page.get("Contents", []):
                yield entry["Key"], entry["ETag"]

    def _fetch(self, key: str) -> None:
        answer = self._client.get_object(Bucket=self.name, Key=key)
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer["Body"].read())
        moment = answer["LastModified"].timestamp()
        os.utime(path, (moment, moment))
        self._seen[key] = answer["ETag"]
