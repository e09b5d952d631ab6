"""Runs a short child to its end: ffmpeg for a remux or a split, ffprobe for a look."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from subprocess import DEVNULL, PIPE

from services.domain.errors import StreamkeepError
from services.runtime.child_environment import child_environment

DEADLINE_SECONDS = 60.0
_TAIL = 500  # characters of standard error kept for the message


class ChildFailed(StreamkeepError):
    """A program we started ended with an error."""


async def run(argv: Sequence[str], *, deadline_seconds: float = DEADLINE_SECONDS, feed: bytes | None = None) -> bytes:
    """Run `argv`, with `feed` on standard input, and give its standard output.

    Raise ChildFailed for an exit other than 0 or past the deadline.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=DEVNULL if feed is None else PIPE, stdout=PIPE, stderr=PIPE, env=child_environment()
        )
    except OSError as error:
        raise ChildFailed(f"{argv[0]} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(deadline_seconds):
            output, complaint = await process.communicate(feed)
    except TimeoutError as error:
        raise ChildFailed(f"{argv[0]} took longer than {deadline_seconds:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ChildFailed(f"exit {process.returncode}: {complaint.decode(errors='replace')[-_TAIL:]}")
    return output
