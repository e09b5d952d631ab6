"""What was fetched and is not published yet: segments are fetched when they appear, not when they play."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from services.adapters.hls_playlist import Segment

BYTES_MAX = 32 * 1024 * 1024
"""Three segments of 10 s at 8 Mb/s, where a player begins; beyond it the fetching waits."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a stream, and the segment that they are of, where it has any."""

    body: bytes
    segment: Segment | None = None


class ReadAhead:
    """A queue of pieces, bounded in bytes."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        """Hold up to `bytes_max`, and a piece more."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._pieces: deque[Piece] = deque()
        self._is_over = False
        self._changed = asyncio.Condition()

    async def put(self, piece: Piece) -> None:
        """Add a piece, once there is room; after the end it is let go."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < self._bytes_max or self._is_over)
            if self._is_over:
                return
            self._pieces.append(piece)
            self._bytes += len(piece.body)
            self._changed.notify_all()

    async def end(self) -> None:
        """Say that no more comes, or is wanted."""
        async with self._changed:
            self._is_over = True
            self._changed.notify_all()

    async def get(self) -> Piece | None:
        """Take the next piece, None after the last."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._pieces or self._is_over)
            if not self._pieces:
                return None
            piece = self._pieces.popleft()
            self._bytes -= len(piece.body)
            self._changed.notify_all()
            return piece
