"""Turns a file as ffmpeg closed it into the files that ship: ordinary MP4s, segments that keep the target."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from services.domain import playlist
from services.worker import ffmpeg_arguments
from services.worker.child_program import ChildFailed, run
from services.worker.events import FileClosed

log = structlog.get_logger()


async def finish_recording(file: FileClosed) -> FileClosed:
    """Remux a fragmented MP4 by copy, moov in front; a file that cannot be read raises ChildFailed."""
    target = file.path.with_name(f"whole-{file.path.name}")
    # A kill may have left one that the store already shares by a hard link: writing into it would change the object.
    target.unlink(missing_ok=True)
    await run(ffmpeg_arguments.remux(file.path, target))
    return replace(file, path=target)


async def fit_segment(file: FileClosed, target: int) -> list[FileClosed]:
    """Give the segment itself, or its pieces where it is longer than EXT-X-TARGETDURATION allows."""
    if file.end - file.start <= playlist.longest(target):
        return [file]
    folder = file.path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)  # a kill's leftovers may be objects by now, shared by hard links
    folder.mkdir()
    lines = (await run(ffmpeg_arguments.split(file.path, folder, target))).decode().splitlines()
    pieces = []
    start = file.start
    for number, line in enumerate(lines):
        name, began, ended = line.rsplit(",", 2)
        is_last = number == len(lines) - 1
        end = file.end if is_last else start + max(0.0, float(ended) - float(began))
        pieces.append(replace(file, path=folder / Path(name).name, start=start, end=end))
        start = end
    log.info("segment_split", seconds=file.end - file.start, pieces=len(pieces), target=target)
    return pieces


async def describe(path: Path) -> dict[str, Any]:
    """Give a file's `video`, `audio` (as a part shows them) and `seconds`, None where there is none."""
    try:
        found = json.loads(await run(ffmpeg_arguments.probe(path)))
    except ChildFailed as error:
        log.warning("file_unreadable", file=path.name, error=str(error))
        return {"video": None, "audio": None, "seconds": None}
    streams = {stream.get("codec_type"): stream for stream in found.get("streams", [])}
    video, audio = streams.get("video"), streams.get("audio")
    seconds = found.get("format", {}).get("duration")
    return {
        "video": video and {"codec": video["codec_name"], "width": video["width"], "height": video["height"]},
        "audio": audio
        and {
            "codec": audio["codec_name"],
            "sample_rate": int(audio["sample_rate"]),
            "channels": audio["channels"],
        },
        "seconds": float(seconds) if seconds else None,
    }
