"""Pictures that were made for an answer, kept in memory for the next one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class PictureCache:
    """Keeps at most `limit` bytes of pictures; what was asked for least lately goes first. Any thread may ask."""

    limit: int
    _kept: OrderedDict[tuple[str, int], bytes] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, source: str, width: int) -> bytes | None:
        """Give the picture `source` in a width (pixels), if it is kept."""
        with self._lock:
            body = self._kept.get((source, width))
            if body is not None:
                self._kept.move_to_end((source, width))
            return body

    def put(self, source: str, width: int, body: bytes) -> None:
        """Keep a picture, unless it is larger than all that may be kept."""
        with self._lock:
            self._bytes += len(body) - len(self._kept.pop((source, width), b""))
            self._kept[source, width] = body
            while self._bytes > self.limit:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped)
