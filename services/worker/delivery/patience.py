"""The one layer that retries: calls to the store or to state, until they succeed or the worker's deadline cancels them.

What answers that it is busy is asked ever less often; it is no outage, and the log names it StoreBusy. When what did
not answer does so again, whoever waits for it goes on at once, and calls that still hang are given up and made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, TypeVar

import structlog

from services.domain.errors import LeaseLost, StoreBusy, StreamkeepError, Unavailable
from services.runtime import metrics

log = structlog.get_logger()

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 3.0
LONGEST_BUSY_SECONDS = 5.0
AWAY_FAILURES = 3
"""So many failures with no success between them are an outage."""
HUNG_SECONDS = 2.0
"""A call that was made so long before an outage ended is taken for lost with it."""
PROBE_SECONDS = 1.5
PROBES = 16
TOLD_SECONDS = 30.0
THREADS = 128
"""More than there are lanes' uploads, indexes and probes together, those included that were given up and still hang."""

Result = TypeVar("Result")


class CallHung(Unavailable):
    """The store answers others again, and this call not yet."""


def wait_seconds(tries: int, error: Exception) -> float:
    """Give the seconds until the next try, after so many."""
    longest = LONGEST_BUSY_SECONDS if isinstance(error, StoreBusy) else LONGEST_WAIT_SECONDS
    doubled: float = FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 16)
    return min(longest, doubled) * (1 + random.random() / 4)  # noqa: S311 - jitter


@dataclass(slots=True, kw_only=True)
class Patience:
    """Patience with one thing outside, called `name`; `returns` counts how often it seemed to be back.

    `probe`, if given, is a cheap call that tells whether it answers at all: while it does not, calls may hang for long.
    """

    name: str
    probe: Callable[[], object] | None = None
    returns: int = 0
    trouble: Unavailable | None = None
    away_since: float | None = None
    _failures: int = 0
    _told: float = 0.0
    _is_unanswered: bool = False
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _back: asyncio.Event = field(default_factory=asyncio.Event)
    _threads: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, THREADS, "patience"))

    @property
    def is_away(self) -> bool:
        """Say whether nothing has succeeded for some failures."""
        return self.away_since is not None

    async def thread(self, call: Callable[[], Result]) -> Result:
        """Make a blocking call once, in a thread, and note how it went."""
        began, back = time.monotonic(), self._back
        running = asyncio.get_running_loop().run_in_executor(self._threads, call)
        running.add_done_callback(_forget)
        while not running.done():
            returned = asyncio.ensure_future(back.wait())
            either: set[asyncio.Future[Any]] = {running, returned}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                returned.cancel()
            if not running.done() and time.monotonic() - began > HUNG_SECONDS:
                raise CallHung
            back = self._back
        return self._noted(running)

    def _noted(self, running: asyncio.Future[Result]) -> Result:
        error = running.exception()
        if isinstance(error, Unavailable):
            self._failed(error)
        elif error is None or (isinstance(error, StreamkeepError) and not isinstance(error, LeaseLost)):
            self._succeeded()  # that an object exists is an answer too
        return running.result()

    def _failed(self, error: Unavailable) -> None:
        metrics.FAILURES.labels(self.name, type(error).__name__).inc()
        if isinstance(error, StoreBusy):
            return
        self._failures += 1
        self.trouble = error
        now = time.monotonic()
        if self._failures >= AWAY_FAILURES and self.away_since is None:
            self.away_since = now
            self._gone.set()
            metrics.AWAY.labels(self.name).set(1)
        if self.is_away and now - self._told >= TOLD_SECONDS:
            self._told = now
            log.warning("outside_away", what=self.name, error=str(error)[:300])

    def _succeeded(self) -> None:
        self._failures, self.trouble = 0, None
        if self.away_since is None:
            return
        log.info("outside_back", what=self.name, seconds=round(time.monotonic() - self.away_since, 1))
        metrics.AWAY.labels(self.name).set(0)
        self.away_since, self._told = None, 0.0
        self._gone.clear()
        self._wake()

    def _wake(self) -> None:
        """Let all that wait or hang try again."""
        self.returns += 1
        back, self._back = self._back, asyncio.Event()
        back.set()

    async def pause(self, seconds: float, *, busy: bool = False) -> None:
        """Wait, or until what was away is back."""
        if busy:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._back.wait()

    async def until_done(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Call until it does not raise Unavailable."""
        tries = 0
        while True:
            try:
                return await call()
            except Unavailable as error:
                tries += 1
                seconds = wait_seconds(tries, error)
                log.debug("tried_again", what=self.name, tries=tries, error=repr(error), wait_for=round(seconds, 2))
                await self.pause(seconds, busy=isinstance(error, StoreBusy))

    async def blocking(self, call: Callable[[], Result]) -> Result:
        """Do the same for a call that blocks, in a thread."""
        return await self.until_done(lambda: self.thread(call))

    async def run(self) -> None:
        """Probe what is away, until cancelled; a probe that hangs does not keep the next one waiting."""
        probes: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self._gone.wait()
                await asyncio.sleep(PROBE_SECONDS)
                if self.is_away and self.probe is not None and len(probes) < PROBES:
                    self._is_unanswered = self._is_unanswered or bool(probes)
                    probes.add(task := asyncio.create_task(self._probe(self.probe), name="probe"))
                    task.add_done_callback(probes.discard)
        finally:
            for task in probes:
                task.cancel()

    async def _probe(self, probe: Callable[[], object]) -> None:
        """Ask once; an answer after none before it wakes all, but only a call that succeeds ends the outage."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, probe)
        except Unavailable:
            self._is_unanswered = True
        else:
            if self._is_unanswered:
                self._is_unanswered = False
                self._wake()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more calls; those under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _forget(running: asyncio.Future[Result]) -> None:
    """Look at the error of a call that nobody may wait for any more, so that asyncio does not complain."""
    if not running.cancelled():
        running.exception()
