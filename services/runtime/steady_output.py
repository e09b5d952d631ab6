"""Output that may go away (a closed terminal, a reader that left) under a program that must go on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _SteadyFile(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or len(memoryview(data))
        except OSError:
            return len(memoryview(data))


def steady(stream: TextIO) -> TextIO:
    """Give a line-buffered stream to the same descriptor, into which writing never fails.

    A line that nobody can read is lost: it must not keep a service from shipping what it holds.
    """
    raw = _SteadyFile(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)
