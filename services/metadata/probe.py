"""A look at something outside that may hang."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog

log = structlog.get_logger()

WAIT_SECONDS = 2.5


class Probe:
    """One dependency; at most one look at it is under way, and all who ask meanwhile share what it finds."""

    def __init__(self, name: str, check: Callable[[], str | None]) -> None:
        """`check` blocks, and says what is wrong or None."""
        self.name = name
        self._check = check
        self._lock = threading.Lock()
        self._looking: Future[str | None] | None = None

    async def problem(self) -> str | None:
        """Say what is wrong, or None; wait no longer than WAIT_SECONDS."""
        look = asyncio.wrap_future(self._look())
        done, _ = await asyncio.wait([look], timeout=WAIT_SECONDS)
        if done:
            return look.result()
        look.cancel()  # ends nothing but the wait
        log.warning("not_ready", dependency=self.name, error=f"no answer within {WAIT_SECONDS:g} s")
        return f"It does not answer within {WAIT_SECONDS:g} s."

    def _look(self) -> Future[str | None]:
        with self._lock:
            if self._looking is None or self._looking.done():
                self._looking = Future()
                self._looking.set_running_or_notify_cancel()  # now nobody who stops waiting ends it for others
                # A daemon: a look that hangs does not keep the service from stopping.
                threading.Thread(target=self._run, args=(self._looking,), daemon=True, name=self.name).start()
            return self._looking

    def _run(self, looking: Future[str | None]) -> None:
        try:
            looking.set_result(self._check())
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            looking.set_exception(error)
