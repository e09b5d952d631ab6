"""The threads in which decisions about publishers and players are made."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class Timing:
    """How long a decision waited for its turn and how long it took, after the Server-Timing specification."""

    arrived: float = field(default_factory=time.perf_counter)
    began: float = 0.0
    decided: float = 0.0

    def measured(self, decide: Callable[[], _Answer]) -> _Answer:
        """Decide, and note when."""
        self.began = time.perf_counter()
        try:
            return decide()
        finally:
            self.decided = time.perf_counter()

    @property
    def headers(self) -> dict[str, str]:
        """Give the answer's header."""
        queued, took = (self.began - self.arrived) * 1000, (self.decided - self.began) * 1000
        return {"Server-Timing": f"queue;dur={queued:.3f}, decide;dur={took:.3f}"}


class Deciders:
    """Threads that do nothing else, so that neither a sweep nor a start delays a decision.

    All that concerns one channel is decided by the same thread, in the order in which it came: a departure, which
    nginx may tell of while the arrival is still being decided, never overtakes it.
    """

    def __init__(self, threads: int) -> None:
        """Decide for so many channels at once."""
        self._threads = [ThreadPoolExecutor(1, f"decider {number}") for number in range(threads)]

    async def decide(self, channel_id: str, decision: Callable[[], _Answer]) -> _Answer:
        """Give what `decision`, which may block, comes to; who no longer waits takes back what has not begun."""
        thread = self._threads[zlib.crc32(channel_id.encode()) % len(self._threads)]
        return await asyncio.get_running_loop().run_in_executor(thread, decision)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self._threads:
            thread.shutdown(cancel_futures=True)
