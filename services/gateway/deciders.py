"""The threads in which decisions about publishers and players are made."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

_Answer = TypeVar("_Answer")


class Deciders:
    """Threads that do nothing else, so that neither a sweep nor a start delays a decision.

    All that concerns one channel is decided by the same thread, in the order in which it came: a departure, which
    nginx may tell of while the arrival is still being decided, never overtakes it.
    """

    def __init__(self, threads: int) -> None:
        """Decide for so many channels at once."""
        self._threads = [ThreadPoolExecutor(1, f"decider {number}") for number in range(threads)]

    async def decide(self, channel_id: str, decision: Callable[[], _Answer]) -> _Answer:
        """Give what `decision`, which may block, comes to."""
        thread = self._threads[zlib.crc32(channel_id.encode()) % len(self._threads)]
        return await asyncio.get_running_loop().run_in_executor(thread, decision)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self._threads:
            thread.shutdown(cancel_futures=True)
