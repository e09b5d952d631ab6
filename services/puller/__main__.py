"""Fetches one channel's source: `python -m services.puller --channel ID`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sys

import structlog

from services.domain.errors import LeaseHeld, LeaseLost, Unavailable
from services.domain.ids import is_id
from services.puller.bootstrap import Puller, puller
from services.puller.settings import PullerSettings
from services.runtime import logging
from services.runtime.first_of import first_of
from services.runtime.sandbox.lacking import tell_what_lacks
from services.runtime.shutdown import stop_event

log = structlog.get_logger()

EXIT_DONE = 0
EXIT_CANNOT_START = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_LEASE = 3  # another fetches this channel's source


def main() -> None:
    """Read the command line and the settings, and fetch."""
    parser = argparse.ArgumentParser(prog="streamkeep-puller", description=__doc__)
    parser.add_argument("--channel", required=True)
    arguments = parser.parse_args()
    if not is_id(arguments.channel):
        parser.error("--channel is 1 to 64 letters, digits, _ and -")
    settings = PullerSettings.load()
    missing = [program for program in ("ffmpeg", "setpriv") if shutil.which(program) is None]
    if missing:
        print(f"missing on PATH: {', '.join(missing)}; install ffmpeg and util-linux", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_CANNOT_START)
    logging.configure("puller", level=settings.log_level, form=settings.log_format)
    structlog.contextvars.bind_contextvars(channel=arguments.channel)
    tell_what_lacks()
    code = asyncio.run(run(settings, arguments.channel))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # sys.exit would wait for the threads of calls that a source never answers


async def run(settings: PullerSettings, channel_id: str) -> int:
    """Fetch until nothing is wished for, or this program is asked to stop; give the exit code."""
    async with stop_event(settings.lifeline_fd) as stop:
        try:
            with puller(settings, channel_id) as built:
                await asyncio.to_thread(built.hold.take)
                try:
                    await _pull(built, stop)
                finally:
                    with contextlib.suppress(Unavailable):
                        await asyncio.to_thread(built.hold.give_back)
        except (LeaseHeld, LeaseLost):
            log.info("puller_not_needed")
            return EXIT_LEASE
        except Unavailable as error:
            log.error("puller_cannot_start", error=str(error))  # noqa: TRY400 - said in full
            return EXIT_CANNOT_START
    return EXIT_DONE


async def _pull(built: Puller, stop: asyncio.Event) -> None:
    """Fetch until the first of all that goes on is over; raise what ended it."""
    await built.wish.read()
    await first_of(built.pulling.run(), built.hold.keep(), built.wish.run(), stop.wait())


if __name__ == "__main__":
    main()
