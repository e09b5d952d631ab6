"""An object store that a worker may write to only while the session is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from services.domain.ports import LocalFile, ObjectStore, RemoteUrl, StoredObject


class FencedStore:
    """The store `inner`; before each write `check` is called, which raises where there must be none."""

    def __init__(self, inner: ObjectStore, check: Callable[[], None]) -> None:
        """Use `inner`, which its owner closes."""
        self._inner = inner
        self._check = check

    def create(self, key: str, source: Path, *, sha256: str, metadata: Mapping[str, str] | None = None) -> None:
        """Store the file `source` under a new key; raise LeaseLost or Unavailable before anything is written."""
        self._check()
        self._inner.create(key, source, sha256=sha256, metadata=metadata)

    def replace(self, key: str, body: bytes, *, etag: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """Store `body` if the key's tag is still `etag`; raise LeaseLost or Unavailable before anything is written."""
        self._check()
        return self._inner.replace(key, body, etag=etag, metadata=metadata)

    def read(self, key: str) -> StoredObject:
        """Give a small object; raise ObjectNotFound."""
        return self._inner.read(key)

    def locate(self, key: str, *, seconds: int, saved_as: str | None = None) -> LocalFile | RemoteUrl:
        """Say where a viewer's request for an object is served from."""
        return self._inner.locate(key, seconds=seconds, saved_as=saved_as)

    def origin(self) -> str | None:
        """Give the scheme, host and port of every RemoteUrl, or None where there are none."""
        return self._inner.origin()

    def check(self) -> None:
        """Raise StoreUnavailable or StoreFull if nothing could be stored now."""
        self._inner.check()

    def close(self) -> None:
        """Let go of what is held open."""
        self._inner.close()
