"""Objects as plain files under one folder, which a person can open."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from services.adapters import object_keys
from services.domain.errors import (
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    StoreFull,
    StoreUnavailable,
    StreamkeepError,
)
from services.domain.ports import LocalFile, StoredObject

READ_ERRORS: Mapping[int, type[StreamkeepError]] = {
    errno.ENOENT: ObjectNotFound,
    errno.ENOTDIR: ObjectNotFound,
    errno.EISDIR: ObjectNotFound,
    errno.ELOOP: ObjectNotFound,
    errno.ENAMETOOLONG: ObjectNotFound,
}
WRITE_ERRORS: Mapping[int, type[StreamkeepError]] = {
    errno.ENOSPC: StoreFull,
    errno.EDQUOT: StoreFull,
}

# With these a link cannot be made although a copy can: another file system, too many links, links not known or allowed.
_COPY_INSTEAD = frozenset({errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


@contextlib.contextmanager
def translated(table: Mapping[int, type[StreamkeepError]], what: str) -> Iterator[None]:
    """Raise our error for any OSError that leaves the block: by its number, else StoreUnavailable."""
    try:
        yield
    except OSError as error:
        ours = table.get(error.errno or 0, StoreUnavailable)
        raise ours(f"{what}: {error.strerror or error}") from error


class DirectoryStore:
    """Keeps each object as the file `root/<key>`, complete from the moment its name appears; metadata it keeps none.

    Hidden names (work in progress, locks) are no objects; what a kill leaves of them nobody reads.
    """

    def __init__(self, root: Path, *, min_free_bytes: int = 0) -> None:
        """Use the folder `root`, made if absent; `check` wants `min_free_bytes` free on its disk."""
        with translated(WRITE_ERRORS, f"object folder {root}"):
            root.mkdir(parents=True, exist_ok=True)
            self._root = root.resolve()
        self._min_free_bytes = min_free_bytes

    def create(
        self,
        key: str,
        source: Path,
        *,
        sha256: str,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002 - none
    ) -> None:
        """Store the file `source` under a new key; raise ObjectExists if it holds other content, or StoreFull.

        On the same disk the object and the source become one file, so the source must never be modified
        afterwards, only removed.
        """
        with translated(WRITE_ERRORS, f"object {key}"):
            target = self._target(key)
            try:
                _link(source, target)
            except FileExistsError:
                if not _holds(target, source, sha256):
                    raise ObjectExists(f"object {key} exists with other content") from None

    def replace(
        self,
        key: str,
        body: bytes,
        *,
        etag: str | None,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> str:
        """Store `body` if the key's tag is still `etag` (None: no object) and give the new tag, else ObjectChanged."""
        with translated(WRITE_ERRORS, f"object {key}"):
            target = self._target(key)
            with _alone(target.parent):
                if _tag_of(target) != etag:
                    raise ObjectChanged(f"object {key} changed since it was read")
                with _work_file(target.parent) as work:
                    work.write_bytes(body)
                    work.replace(target)
        return _tag(body)

    def read(self, key: str) -> StoredObject:
        """Give a small object; raise ObjectNotFound."""
        with translated(READ_ERRORS, f"object {key!r}"):
            body = self._present(key).read_bytes()
        return StoredObject(body=body, etag=_tag(body))

    def locate(self, key: str, *, seconds: int, saved_as: str | None = None) -> LocalFile:  # noqa: ARG002 - for addresses
        """Give the object's file, which readers must leave as it is; raise ObjectNotFound."""
        with translated(READ_ERRORS, f"object {key!r}"):
            return LocalFile(path=self._present(key))

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, as far as they are there, and the folders that they leave empty."""
        for key in keys:
            with translated(WRITE_ERRORS, f"object {key!r}"), contextlib.suppress(ObjectNotFound):
                path = self._present(key)
                path.unlink(missing_ok=True)
                _prune(path.parent, self._root)

    def remove_under(self, prefix: str, limit: int) -> int:
        """Remove up to `limit` objects whose keys begin with `prefix`, a folder's; give how many."""
        found: list[str] = []
        with translated(WRITE_ERRORS, f"objects under {prefix!r}"):
            for path in sorted((self._root / prefix).rglob("*")):
                key = str(path.relative_to(self._root))
                if object_keys.problem(key) is None and path.is_file() and len(found) < limit:
                    found.append(key)
        self.remove(found)
        return len(found)

    def origin(self) -> None:
        """Say that no object has an address of its own."""

    def check(self) -> None:
        """Raise StoreUnavailable if no file can be made now, or StoreFull if too little is free."""
        with translated(WRITE_ERRORS, f"object folder {self._root}"):
            with _work_file(self._root) as work:
                work.touch()
            free = shutil.disk_usage(self._root).free
        if free < self._min_free_bytes:
            raise StoreFull(
                f"object folder {self._root}: {free} bytes are free, {self._min_free_bytes} are needed; make room"
            )

    def close(self) -> None:
        """Do nothing: between two calls no file is open."""

    def _target(self, key: str) -> Path:
        """Give the path to write a key's object to, its folder made; raise ValueError for an impossible key."""
        if (problem := object_keys.problem(key)) is not None:
            raise ValueError(f"object {key!r}: {problem}")
        target = self._root / key
        if not _inside(self._root, target.parent):
            raise ValueError(f"object {key!r}: a symbolic link leads out of the object folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _present(self, key: str) -> Path:
        path = self._root / key
        if object_keys.problem(key) is not None or not _inside(self._root, path) or not path.is_file():
            raise ObjectNotFound(f"no object has the key {key!r}")
        return path


def _inside(root: Path, path: Path) -> bool:
    """Say whether `path`, with every symbolic link followed, still lies under `root` (itself resolved)."""
    return Path(os.path.realpath(path)).is_relative_to(root)  # unlike resolve(), a loop of links is no error


def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _tag_of(path: Path) -> str | None:
    try:
        return _tag(path.read_bytes())
    except FileNotFoundError:
        return None


def _holds(target: Path, source: Path, sha256: str) -> bool:
    """Say whether `target` already is what `source` would make it."""
    if target.samefile(source):
        return True
    if target.stat().st_size != source.stat().st_size:
        return False
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _prune(folder: Path, root: Path) -> None:
    """Remove a folder of which nobody has a use any more, and those above it; one that is in use stays."""
    while folder != root:
        if any(not each.name.startswith(".lock") for each in folder.iterdir()):
            return
        (folder / ".lock").unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _link(source: Path, target: Path) -> None:
    """Give `source` the name `target` if that is free, by way of a copy where the two cannot be one file."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _COPY_INSTEAD:
            raise
        with _work_file(target.parent) as work:
            shutil.copyfile(source, work)
            target.hardlink_to(work)


@contextlib.contextmanager
def _work_file(folder: Path) -> Iterator[Path]:
    """Give a hidden name of nobody else's, and remove the file if the block leaves one there."""
    path = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other writers, of this process and of others, from replacing objects in `folder`."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
