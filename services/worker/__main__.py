"""Runs one worker: `python -m services.worker --channel ID --session ID`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
from functools import partial

import structlog

from services.domain.errors import LeaseHeld, LeaseLost, SessionNotFound, StateUnavailable, Unavailable
from services.runtime import logging
from services.runtime.shutdown import deadline, stop_event
from services.worker.bootstrap import Worker, worker
from services.worker.broadcast import Broadcast
from services.worker.settings import WorkerSettings

log = structlog.get_logger()

EXIT_DONE = 0
EXIT_CANNOT_START = 1
EXIT_LEASE = 3  # another worker holds, or took, the session
EXIT_FAILED = 4  # one of its tasks failed: another worker goes on from the spool


def main() -> None:
    """Read the command line and the settings, and capture."""
    parser = argparse.ArgumentParser(prog="streamkeep-worker", description=__doc__)
    parser.add_argument("--channel", required=True)
    parser.add_argument("--session", required=True)
    arguments = parser.parse_args()
    settings = WorkerSettings.load()
    missing = [program for program in ("ffmpeg", "ffprobe", "setpriv") if shutil.which(program) is None]
    if missing:
        print(f"missing on PATH: {', '.join(missing)}; install ffmpeg and util-linux", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_CANNOT_START)
    logging.configure("worker", level=settings.log_level, form=settings.log_format)
    structlog.contextvars.bind_contextvars(channel=arguments.channel)
    code = asyncio.run(run(settings, channel_id=arguments.channel, session_id=arguments.session))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # sys.exit would wait for the threads of calls that a store never answers


async def run(settings: WorkerSettings, *, channel_id: str, session_id: str) -> int:
    """Work for a session until it ends or this worker is asked to stop; give the exit code."""
    async with stop_event(settings.lifeline_fd) as stop:
        try:
            async with worker(settings, channel_id=channel_id, session_id=session_id, stop=stop) as built:
                return await _work(settings, built)
        except (LeaseHeld, LeaseLost):
            log.info("worker_not_needed", session=session_id)
            return EXIT_LEASE
        except (SessionNotFound, Unavailable) as error:
            log.error("worker_cannot_start", session=session_id, error=str(error))  # noqa: TRY400 - said in full
            return EXIT_CANNOT_START


async def _work(settings: WorkerSettings, built: Worker) -> int:
    broadcast, failed = built.broadcast, asyncio.Event()
    tasks = [
        asyncio.create_task(built.following.run(), name="following"),
        asyncio.create_task(built.tenure.keep(), name="tenure"),
        asyncio.create_task(_answer(built), name="control"),
        asyncio.create_task(built.hand_over.run(), name="hand over"),
        *broadcast.ending.delivery.lasting,
    ]
    if built.following.news.feeder is not None:
        tasks.append(asyncio.create_task(built.following.news.feeder.run(), name="events"))
    for task in (*tasks, *broadcast.ending.delivery.finishing):
        task.add_done_callback(partial(_mind, broadcast, failed))
    try:
        due = await broadcast.run()
        if failed.is_set():
            return EXIT_FAILED
        await _finish(settings, built, due=due)
    except LeaseLost:
        return EXIT_LEASE
    finally:
        tasks += broadcast.ending.delivery.finishing
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return EXIT_DONE


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


async def _answer(built: Worker) -> None:
    """Open the control port and put its address into the lease, once capture is under way."""
    from services.runtime.serving import listen, serving  # noqa: PLC0415 - late, so that ffmpeg pulls first
    from services.worker.control import control_app  # noqa: PLC0415

    bound = listen("127.0.0.1", 0)
    snapshots = built.broadcast.snapshots()
    app = control_app(built.following.session.pull_token, built.following.told, built.hand_over.take, snapshots)
    async with serving(app, bound, drain_seconds=1):
        with contextlib.suppress(StateUnavailable):  # the next renewal carries the address too
            await built.tenure.renew(control_url=f"http://127.0.0.1:{bound.getsockname()[1]}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
