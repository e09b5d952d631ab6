"""What a worker does before it waits, so that it need not do it once it is claimed."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys

import structlog

from services.domain.errors import Unavailable
from services.domain.ports import ObjectStore
from services.worker import child_program
from services.worker.child_program import ChildFailed
from services.worker.pictures.picture_child import PROGRAM

log = structlog.get_logger()

LATE_MODULES = ("httpx", "services.worker.control")
"""What a worker that is in a hurry imports late."""
REHEARSALS = (("ffmpeg", "-version"), ("ffprobe", "-version"), ("setpriv", sys.executable, "-m", PROGRAM, "--help"))
"""Programs that have run once lie in the page cache, with all that they load."""
REHEARSAL_SECONDS = 30.0


async def warm(store: ObjectStore) -> None:
    """Import all, run each program once, and connect to the store; what fails will say so when it is needed."""
    for name in LATE_MODULES:
        importlib.import_module(name)
    for argv in REHEARSALS:
        try:
            await child_program.run(argv, deadline_seconds=REHEARSAL_SECONDS)
        except ChildFailed as error:
            log.warning("rehearsal_failed", program=argv[0], error=str(error)[:200])
    with contextlib.suppress(Unavailable):
        await asyncio.to_thread(store.check)
