"""The sweeps: one every few seconds, and soon after the platform has told of a change."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.domain.errors import PlatformUnavailable, StateUnavailable
from services.domain.task_news import TaskNews
from services.reconciler.counts import Counts
from services.reconciler.steps import Step
from services.reconciler.sweep import Sweep
from services.runtime.threads import in_thread

log = structlog.get_logger()

SOON_SECONDS = 1.0
"""How soon after a sweep the next may begin, however much is told meanwhile."""
AGAIN_SECONDS = 5.0
"""How soon a queue is asked again that did not answer."""


@dataclass(slots=True, kw_only=True)
class Sweeps:
    """Runs `sweep` every `seconds`, and the `steps` beside it as often.

    `news` (None: nobody tells any) makes the next sweep prompt.
    """

    sweep: Sweep
    steps: Sequence[Step]
    news: TaskNews | None
    counts: Counts
    seconds: float
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _is_away: bool = False

    async def run(self, over: asyncio.Event) -> None:
        """Go on until `over` is set."""
        helpers = [
            asyncio.create_task(_set_by(over, self._wake), name="end of sweeps"),
            asyncio.create_task(self._take_steps(over), name="steps"),
        ]
        if self.news is not None:
            helpers.append(asyncio.create_task(self._listen(self.news), name="task news"))
        try:
            while not over.is_set():
                self._wake.clear()
                began = time.monotonic()
                await self._sweep()
                await self._pause(began, over)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _sweep(self) -> None:
        """Sweep once; that state is away is logged once."""
        began = time.monotonic()
        try:
            if await in_thread(self.sweep.run):
                self._wake.set()
        except StateUnavailable as error:
            if not self._is_away:
                log.warning("sweep_skipped", error=str(error))
            self._is_away = True
            return
        except Exception:
            log.exception("sweep_failed")
            self.counts.failed("sweep")
            return
        self.counts.swept(time.monotonic() - began)
        if self._is_away:
            log.info("sweeps_go_on")
        self._is_away = False

    async def _take_steps(self, over: asyncio.Event) -> None:
        """Take the steps one after the other, beside the sweeps, which must not wait for them."""
        while not over.is_set():
            for step in self.steps:
                try:
                    await in_thread(partial(step.take, self.counts))
                except Exception:
                    log.exception("step_failed", step=step.name)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self.seconds)

    async def _pause(self, began: float, over: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), max(0.0, began + min(SOON_SECONDS, self.seconds) - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(0.0, began + self.seconds - time.monotonic()))

    async def _listen(self, news: TaskNews) -> None:
        """Hear of changes until cancelled."""
        while True:
            try:
                heard = await in_thread(news.wait)
            except PlatformUnavailable as error:
                log.warning("task_events_unavailable", error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if heard.malformed:
                log.warning("task_events_malformed", messages=heard.malformed)
            self.counts.heard("changed", heard.changed)
            self.counts.heard("malformed", heard.malformed)
            if heard.changed or heard.malformed:
                self._wake.set()


async def _set_by(over: asyncio.Event, wake: asyncio.Event) -> None:
    await over.wait()
    wake.set()
