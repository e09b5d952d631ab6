"""latest.jpg: the newest picture, written at once, whatever else waits for the store."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from services.worker.delivery.in_place import InPlace
from services.worker.delivery.parcel import Parcel
from services.worker.delivery.patience import Patience


@dataclass(slots=True, kw_only=True)
class LatestPicture:
    """Keeps one picture in memory, the newest; a write that is tried again takes the one that is newest by then."""

    file: InPlace
    patience: Patience
    session_id: str
    _newest: tuple[bytes, Parcel] | None = None
    _is_over: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, picture: Parcel) -> None:
        """Take the newest picture."""
        with contextlib.suppress(OSError):
            self._newest = picture.file.path.read_bytes(), picture
            self._news.set()

    def close(self) -> None:
        """Take no more; `run` ends when the last is written."""
        self._is_over = True
        self._news.set()

    async def run(self) -> None:
        """Write until closed."""
        while self._newest is not None or not self._is_over:
            await self._news.wait()
            self._news.clear()
            await self.patience.until_done(self._write)

    async def _write(self) -> None:
        newest = self._newest
        if newest is None:
            return
        body, picture = newest
        await self.file.write(body, metadata=picture.metadata(self.session_id))
        if self._newest is newest:
            self._newest = None
        else:
            self._news.set()
