"""Takes away an HTTP body's compression, a bounded piece at a time: a few bytes may stand for a gigabyte."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from services.adapters.fetch_errors import FetchFailed

PIECE_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def decoded(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Give the body behind `coding` (identity or gzip) in pieces of at most PIECE_BYTES; raise FetchFailed."""
    match coding:
        case "identity" | "":
            yield from pieces
        case "gzip" | "x-gzip":
            yield from _inflated(pieces)
        case _:
            raise FetchFailed("it is compressed in a way that was not asked for")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP)
    for piece in pieces:
        waiting = piece
        while waiting:
            try:
                found = stream.decompress(waiting, PIECE_BYTES)
            except zlib.error as error:
                raise FetchFailed("its compression is broken") from error
            waiting = stream.unconsumed_tail
            if found:
                yield found
            elif not waiting:
                break
