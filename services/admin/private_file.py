"""Files that only their owner may read, and that are there whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from services.domain.errors import StreamkeepError

STANDARD = "-"


class FileUnusable(StreamkeepError):
    """The file cannot be read or written."""


@contextmanager
def writing(name: str) -> Iterator[BinaryIO]:
    """Give what is to be written to; the file has its name only once the block has ended well."""
    if name == STANDARD:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            yield out
        return
    path = Path(os.path.realpath(name))
    if path.exists() and not path.is_file():
        raise FileUnusable(f"{name}: is no ordinary file; name another, or {STANDARD} for standard output")
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)  # of mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


@contextmanager
def reading(name: str) -> Iterator[BinaryIO]:
    """Give a file that can be read more than once; standard input is copied to an unnamed one first."""
    if name != STANDARD:
        with Path(name).open("rb") as file:
            if not file.seekable():
                raise FileUnusable(f"{name}: is no ordinary file; name another, or {STANDARD} for standard input")
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        while block := sys.stdin.buffer.read(1 << 20):
            copy.write(block)
        yield copy
