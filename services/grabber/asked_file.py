"""A file that somebody else holds, read over standard input and output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_LENGTH = 4


class AskedFile:
    """Looks like an open file; every read is asked for."""

    def __init__(self, size: int, ask: Callable[..., Any]) -> None:
        """`size` is the file's; `ask(read=[offset, size])` sends for bytes."""
        self._size = size
        self._ask = ask
        self._at = 0

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes, none at the end."""
        wanted = min(size, self._size - self._at)
        if wanted <= 0:
            return b""
        self._ask(read=[self._at, wanted])
        length = int.from_bytes(_exactly(_LENGTH), "big")
        found = _exactly(length)
        self._at += length
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go somewhere, as a file does."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        """Give where it is."""
        return self._at

    def seekable(self) -> bool:
        """Say that it can go anywhere."""
        return True


def _exactly(size: int) -> bytes:
    found = sys.stdin.buffer.read(size)
    if len(found) < size:
        raise OSError("the source broke off")
    return found
