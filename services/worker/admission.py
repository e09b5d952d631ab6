"""A run's way in: it is heard once what is missing before it has been captured."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from services.worker.capture.capture_run import CaptureRun
from services.worker.capture.runs import Runs
from services.worker.catching_up.catching_up import CatchingUp
from services.worker.events import ClockSet

log = structlog.get_logger()

STOP_SECONDS = 5.0
"""How long a worker that is asked to go may still take to capture what the gateway has kept."""


@dataclass(slots=True, kw_only=True)
class Admission:
    """Lets runs in; `stop` and `lost` cut short what goes on before."""

    runs: Runs
    catching_up: CatchingUp
    stop: asyncio.Event
    lost: asyncio.Event

    def begin(self, run: CaptureRun) -> asyncio.Task[None]:
        """Begin to let a run in."""
        return asyncio.create_task(self._admit(run), name="admission")

    async def end(self, run: CaptureRun, admission: asyncio.Task[None]) -> None:
        """Wait until a run that is over is heard."""
        held = self.runs.held
        if held is None:  # it stood by
            return
        held.over()
        await self._unless_cut_short(admission)
        if not held.is_released and not self.lost.is_set():
            self.runs.relieving = None
            self._release(run, held.clock)

    async def without_run(self) -> None:
        """Capture what was sent before and is over, while no run is there."""
        await self._unless_cut_short(self.catching_up.without_live())

    async def _admit(self, run: CaptureRun) -> None:
        held = self.runs.held
        if held is not None:
            await self.catching_up.admit(held, lambda clock: self._release(run, clock))

    def _release(self, run: CaptureRun, clock: ClockSet | None) -> None:
        self.runs.release(run, clock, lambda event: self.catching_up.is_wanted(event, clock))

    async def _unless_cut_short(self, work: Coroutine[Any, Any, None] | asyncio.Task[None]) -> None:
        task = work if isinstance(work, asyncio.Task) else asyncio.create_task(work, name="catching up")
        ends = [asyncio.ensure_future(self._stopped()), asyncio.ensure_future(self.lost.wait())]
        try:
            await asyncio.wait([task, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (task, *ends):
                each.cancel()
            told = await asyncio.gather(task, *ends, return_exceptions=True)
        if isinstance(told[0], Exception):
            raise told[0]

    async def _stopped(self) -> None:
        await self.stop.wait()
        await asyncio.sleep(STOP_SECONDS)
