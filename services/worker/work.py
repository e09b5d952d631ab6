"""A worker's work for one session: its tasks side by side, and its end."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import structlog

from services.domain.errors import LeaseLost, StateUnavailable
from services.runtime import emf, metrics
from services.runtime.shutdown import deadline
from services.worker import exit_codes
from services.worker.bootstrap import Worker
from services.worker.broadcast import Broadcast
from services.worker.door import Door
from services.worker.lateness import Lateness
from services.worker.settings import WorkerSettings

log = structlog.get_logger()


async def work(settings: WorkerSettings, built: Worker, door: Door) -> int:
    """Run all that works for the session until it ends or the worker has to go; give the exit code."""
    broadcast, failed = built.broadcast, asyncio.Event()
    tasks = [
        asyncio.create_task(built.following.run(), name="following"),
        asyncio.create_task(built.tenure.keep(), name="tenure"),
        asyncio.create_task(_answer(built, door), name="control"),
        asyncio.create_task(built.hand_over.run(), name="hand over"),
        asyncio.create_task(Lateness(built.following, broadcast.ending.delivery.arrivals).run(), name="lateness"),
        *broadcast.ending.delivery.lasting,
    ]
    if built.following.news.feeder is not None:
        tasks.append(asyncio.create_task(built.following.news.feeder.run(), name="events"))
    for task in (*tasks, *broadcast.ending.delivery.finishing):
        task.add_done_callback(partial(_mind, broadcast, failed))
    try:
        async with emf.told(settings.metrics_stack, metrics.REGISTRY):
            due = await broadcast.run()
            if failed.is_set():
                return exit_codes.FAILED
            await _finish(settings, built, due=due)
    except LeaseLost:
        return exit_codes.LEASE
    finally:
        tasks += broadcast.ending.delivery.finishing
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return exit_codes.DONE


def _mind(broadcast: Broadcast, failed: asyncio.Event, task: asyncio.Task[None]) -> None:
    """End the worker when one of its tasks fails: a successor goes on from the spool."""
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, LeaseLost):
        log.error("worker_task_failed", task=task.get_name(), exc_info=error)
        failed.set()
        broadcast.stop.set()


async def _finish(settings: WorkerSettings, built: Worker, *, due: bool) -> None:
    """Ship and end; once this worker is asked to stop, what is not shipped in time stays in the spool."""
    finishing = asyncio.create_task(built.broadcast.finish(due=due), name="finishing")
    stopping = asyncio.create_task(deadline(built.broadcast.stop, settings.stop_seconds), name="deadline")
    await asyncio.wait([finishing, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not finishing.done():
        log.warning("left_in_spool", folder=str(built.broadcast.folder))
        finishing.cancel()
        await asyncio.gather(finishing, return_exceptions=True)
        return
    await finishing


async def _answer(built: Worker, door: Door) -> None:
    """Answer on the control port and put its address into the lease, once capture is under way."""
    from services.runtime.serving import serving  # noqa: PLC0415 - late, so that ffmpeg pulls first
    from services.worker.control import control_app  # noqa: PLC0415

    bound = door.opened()
    snapshots = built.broadcast.snapshots()
    token = built.following.session.pull_token
    app = control_app(token, built.following.told, built.hand_over.take, snapshots, is_private=door.place.is_private)
    async with serving(app, bound, drain_seconds=1):
        with contextlib.suppress(StateUnavailable):  # the next renewal carries the address too
            await built.tenure.renew(control_url=door.url())
        built.hand_over.reachable.set()
        await asyncio.Event().wait()
