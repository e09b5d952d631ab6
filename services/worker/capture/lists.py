"""The lists in which ffmpeg names the files that it has closed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from services.domain.artifact import Kind
from services.worker.events import CaptureEvent, FileClosed

LISTS = {"recording": Kind.RECORDING, "segment": Kind.SEGMENT}


async def read_list(kind: Kind, read_end: int, folder: Path, emit: Callable[[CaptureEvent], None]) -> None:
    """Read `name,start,end` lines to their end; ffmpeg writes one the moment the file, in `folder`, is closed."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
    )
    clock = asyncio.get_running_loop().time
    is_first, before = True, clock()
    try:
        while line := await reader.readline():
            name, start, end = line.decode().strip().rsplit(",", 2)
            emit(
                FileClosed(
                    kind=kind,
                    path=folder / Path(name).name,
                    start=float(start),
                    end=float(end),
                    is_first=is_first,
                    waited=clock() - before,
                )
            )
            is_first, before = False, clock()
    finally:
        transport.close()
