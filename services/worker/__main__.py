"""Runs one worker: `python -m services.worker --channel ID --session ID`, or `--pool` to wait for a session."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from dataclasses import dataclass

import structlog

from services.domain.errors import LeaseHeld, LeaseLost, SessionNotFound, Unavailable
from services.runtime import logging
from services.runtime.shutdown import Stop, stop_event
from services.worker import exit_codes
from services.worker.bootstrap import outside, worker
from services.worker.door import Door
from services.worker.outside import Outside
from services.worker.settings import WorkerSettings
from services.worker.watchdog import watched
from services.worker.work import work

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """The session to work for."""

    channel_id: str
    session_id: str


def main() -> None:
    """Read the command line and the settings, and capture."""
    asked = _asked()
    settings = WorkerSettings.load()
    missing = [program for program in ("ffmpeg", "ffprobe", "setpriv") if shutil.which(program) is None]
    if missing:
        print(f"missing on PATH: {', '.join(missing)}; install ffmpeg and util-linux", file=sys.stderr)  # noqa: T201
        sys.exit(exit_codes.CANNOT_START)
    logging.configure("worker", level=settings.log_level, form=settings.log_format)
    code = asyncio.run(run(settings, asked))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # sys.exit would wait for the threads of calls that a store never answers


def _asked() -> Asked | None:
    """Read the command line; None: wait in the pool until a session is there."""
    parser = argparse.ArgumentParser(prog="streamkeep-worker", description=__doc__)
    parser.add_argument("--channel")
    parser.add_argument("--session")
    parser.add_argument("--pool", action="store_true", help="wait until a session claims this worker")
    given = parser.parse_args()
    if given.pool and given.channel is None and given.session is None:
        return None
    if given.pool or given.channel is None or given.session is None:
        parser.error("either --channel and --session are wanted, or --pool alone")
    return Asked(given.channel, given.session)


async def run(settings: WorkerSettings, asked: Asked | None) -> int:
    """Work for a session until it ends or this worker is asked to stop; give the exit code."""
    async with stop_event(settings.lifeline_fd) as stop:
        with watched(settings.watchdog_seconds):
            try:
                with outside(settings) as around:
                    door = Door(around.place, settings.control_port)
                    if asked is None:
                        return await _idle(settings, around, stop, door)
                    return await _for(settings, around, stop, door, asked)
            except Unavailable as error:
                log.error("worker_cannot_start", error=str(error))  # noqa: TRY400 - said in full
                return exit_codes.CANNOT_START


async def _idle(settings: WorkerSettings, around: Outside, stop: Stop, door: Door) -> int:
    """Wait until a session claims this worker, and work for it."""
    from services.worker.idling.answering import claimed  # noqa: PLC0415 - late: others need none of it

    async with claimed(around, door, stop) as row:
        if row is None or row.channel_id is None or row.session_id is None:
            return exit_codes.DONE
        return await _for(settings, around, stop, door, Asked(row.channel_id, row.session_id))


async def _for(settings: WorkerSettings, around: Outside, stop: Stop, door: Door, asked: Asked) -> int:
    """Work for the session."""
    structlog.contextvars.bind_contextvars(channel=asked.channel_id)
    try:
        async with worker(
            settings, around, channel_id=asked.channel_id, session_id=asked.session_id, stop=stop
        ) as built:
            return await work(settings, built, door)
    except (LeaseHeld, LeaseLost):
        log.info("worker_not_needed", session=asked.session_id)
        return exit_codes.LEASE
    except (SessionNotFound, Unavailable) as error:
        log.error("worker_cannot_start", session=asked.session_id, error=str(error))  # noqa: TRY400 - said in full
        return exit_codes.CANNOT_START


if __name__ == "__main__":
    main()
