"""What lies in a store: a folder or a bucket, read as anybody could."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import boto3
from botocore.config import Config


class Stored(Protocol):
    """Objects by key."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Give all keys with their lengths in bytes, as they were at the first look."""
        ...

    def path(self, key: str) -> Path:
        """Give a file with the object's bytes."""
        ...


class Folder:
    """A folder whose files are the objects; hidden files are none."""

    def __init__(self, root: Path) -> None:
        self._root = root / "objects" if (root / "objects").is_dir() else root
        found = (path for path in self._root.rglob("*") if path.is_file() and not path.name.startswith("."))
        self.sizes: Mapping[str, int] = {path.relative_to(self._root).as_posix(): path.stat().st_size for path in found}

    def path(self, key: str) -> Path:
        return self._root / key


class Bucket:
    """A bucket, found through the usual AWS_ variables or at `endpoint`."""

    def __init__(self, name: str, endpoint: str | None = None) -> None:
        self._name, self._folder = name, Path(tempfile.mkdtemp(prefix="verify-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        is_elsewhere = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        style = Config(s3={"addressing_style": "path"}) if is_elsewhere else None
        self._client = boto3.client("s3", endpoint_url=endpoint, config=style)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=name)
        self.sizes: Mapping[str, int] = {
            entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])
        }

    def path(self, key: str) -> Path:
        path = self._folder / key
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            part.write_bytes(self._client.get_object(Bucket=self._name, Key=key)["Body"].read())
            part.rename(path)
        return path


def opened(place: str) -> Stored:
    """Open `DIR` or `s3://bucket`."""
    return Bucket(place.removeprefix("s3://").rstrip("/")) if place.startswith("s3://") else Folder(Path(place))


def fetch(stored: Stored, keys: list[str]) -> None:
    """Bring these objects here, some at a time."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(stored.path, keys))
