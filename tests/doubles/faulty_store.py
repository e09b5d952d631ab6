"""Object stores with a fault that a test provokes, around a real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from services.domain.errors import StoreUnavailable
from services.domain.ports import LocalFile, ObjectStore, RemoteUrl, StoredObject


class FaultyStore:
    """Refuses the next calls of a kind, as often as it was told to; `refused` counts them."""

    def __init__(self, inner: ObjectStore) -> None:
        self._inner = inner
        self._faults: dict[str, int] = {}
        self.refused = 0
        self.is_away = threading.Event()

    def fail(self, call: str, times: int) -> None:
        """Raise StoreUnavailable for the next `times` calls of `create`, `replace` or `read`."""
        self._faults[call] = times

    def create(self, key: str, source: Path, *, sha256: str, metadata: Mapping[str, str] | None = None) -> None:
        self._meet("create")
        self._inner.create(key, source, sha256=sha256, metadata=metadata)

    def replace(self, key: str, body: bytes, *, etag: str | None, metadata: Mapping[str, str] | None = None) -> str:
        self._meet("replace")
        return self._inner.replace(key, body, etag=etag, metadata=metadata)

    def read(self, key: str) -> StoredObject:
        self._meet("read")
        return self._inner.read(key)

    def locate(self, key: str, *, seconds: int, saved_as: str | None = None) -> LocalFile | RemoteUrl:
        return self._inner.locate(key, seconds=seconds, saved_as=saved_as)

    def origin(self) -> str | None:
        return self._inner.origin()

    def check(self) -> None:
        self._inner.check()

    def close(self) -> None:
        self._inner.close()

    def _meet(self, call: str) -> None:
        left = self._faults.get(call, 0)
        if left > 0:
            self._faults[call] = left - 1
        if left > 0 or self.is_away.is_set():
            self.refused += 1
            raise StoreUnavailable(f"{call} is refused by the test")


class WatchedStore:
    """Tells of each write before it is done: `watch(call, key, body)`; the watcher may wait, or raise in its place."""

    def __init__(self, inner: ObjectStore, watch: Callable[[str, str, bytes], None]) -> None:
        self._inner = inner
        self._watch = watch

    def create(self, key: str, source: Path, *, sha256: str, metadata: Mapping[str, str] | None = None) -> None:
        self._watch("create", key, source.read_bytes())
        self._inner.create(key, source, sha256=sha256, metadata=metadata)

    def replace(self, key: str, body: bytes, *, etag: str | None, metadata: Mapping[str, str] | None = None) -> str:
        self._watch("replace", key, body)
        return self._inner.replace(key, body, etag=etag, metadata=metadata)

    def read(self, key: str) -> StoredObject:
        return self._inner.read(key)

    def locate(self, key: str, *, seconds: int, saved_as: str | None = None) -> LocalFile | RemoteUrl:
        return self._inner.locate(key, seconds=seconds, saved_as=saved_as)

    def origin(self) -> str | None:
        return self._inner.origin()

    def check(self) -> None:
        self._inner.check()

    def close(self) -> None:
        self._inner.close()
