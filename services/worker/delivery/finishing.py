"""Turns a file as ffmpeg closed it into the files that ship: ordinary MP4s, segments that keep the target."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import structlog

from services.domain import playlist
from services.worker.capture import ffmpeg_arguments
from services.worker.child_program import ChildFailed, run
from services.worker.delivery.cutting import sound_lead
from services.worker.events import FileClosed

log = structlog.get_logger()

SUSPICIOUS_SECONDS = 0.3
"""By how much a file may have taken longer to come, or be longer, than its line says before it is looked into."""


async def finish_recording(file: FileClosed) -> FileClosed:
    """Remux a fragmented MP4 by copy, moov in front; a file that cannot be read raises ChildFailed."""
    target = file.path.with_name(f"whole-{file.path.name}")
    # A kill may have left one that the store already shares by a hard link: writing into it would change the object.
    target.unlink(missing_ok=True)
    await run(ffmpeg_arguments.remux(file.path, target))
    return replace(file, path=target)


async def with_true_length(
    file: FileClosed, reach: float | None, longest: float = math.inf, *, floor: float = -math.inf
) -> FileClosed:
    """Give a file its whole span where ffmpeg's line tells only the video's.

    `reach` is where the file before it in its part ends, and `floor` where the part before that does; a file that
    claims more than `longest` seconds is looked into as well.

    Its sound may begin a GOP before its video, when a worker joins late or the video had a hole, or go on after it.
    Otherwise sound that is earlier than the video only lies beside it in the file, and belongs to what came before:
    with few frames a second, of which some are reordered, by seconds.
    """
    told = file.end - file.start
    comes_after_a_hole = reach is not None and file.start - reach > SUSPICIOUS_SECONDS
    if abs(file.waited - told) < SUSPICIOUS_SECONDS and told <= longest and not comes_after_a_hole:
        return file
    span = _span(await _probed(file.path))
    if span is None:
        return file
    if file.path.suffix == ".mp4":
        span = replace(span, video=span.video + await sound_lead(file.path))
    start, end = file.start, file.start + span.end - span.video
    if file.is_first or comes_after_a_hole:
        start = max(floor if reach is None else reach, start - (span.video - span.begin))
    if abs(start - file.start) < SUSPICIOUS_SECONDS:
        start = file.start
    if abs(end - file.end) < SUSPICIOUS_SECONDS:
        end = file.end
    return replace(file, start=start, end=end)


async def fit_segment(file: FileClosed, target: int) -> list[FileClosed]:
    """Give the segment itself, or its pieces where it is longer than EXT-X-TARGETDURATION allows."""
    if file.end - file.start <= playlist.longest(target):
        return [file]
    folder = file.path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)  # a kill's leftovers may be objects by now, shared by hard links
    folder.mkdir()
    count = math.ceil((file.end - file.start) / target)
    found = await describe(file.path)
    reference = "a:0" if found["audio"] else "v:0"
    # Where in the file it begins: sound may lie in it that is earlier.
    offset = (found["start"] or 0.0) + (found["seconds"] or 0.0) - (file.end - file.start)
    cuts = await _packet_numbers(file.path, reference, [offset + target * number for number in range(1, count)])
    # Of a video that was announced and never came nothing is to be carried over, and ffmpeg would not know how.
    streams = 0 if found["video"] else "a:0"
    output = await run(ffmpeg_arguments.split(file.path, folder, cuts, reference=reference, streams=streams))
    lines = output.decode().splitlines()
    # Each line is `name,start,end`; the end of the last is the segment's own.
    edges = [file.start, *(file.start + float(line.rsplit(",", 2)[2]) - offset for line in lines[:-1]), file.end]
    pieces = [
        replace(file, path=folder / Path(line.rsplit(",", 2)[0]).name, start=start, end=end)
        for line, (start, end) in zip(lines, pairwise(edges), strict=True)
    ]
    # The last picture of a stream stands for as long as its rate says, without anything that could be cut off.
    longest = pieces[-1].start + playlist.longest(target)
    pieces[-1] = replace(pieces[-1], end=min(pieces[-1].end, longest))
    log.info("segment_split", seconds=file.end - file.start, pieces=len(pieces), target=target)
    return pieces


async def _packet_numbers(path: Path, stream: str, times: Sequence[float]) -> list[int]:
    """Give the number of the first packet that is not before each of these times (s); at least one, past the end."""
    found = json.loads(await run(ffmpeg_arguments.packets(path, stream=stream))).get("packets", [])
    told = [float(packet.get("pts_time", "-inf")) for packet in found]
    firsts = (next((number for number, pts in enumerate(told) if pts >= time), 0) for time in times)
    return sorted({number for number in firsts if number > 0}) or [len(told) + 1]


async def describe(path: Path) -> dict[str, Any]:
    """Give a file's `video`, `audio` (as a part shows them), `start` and `seconds`, None where there is none."""
    found = await _probed(path)
    streams = {stream.get("codec_type"): stream for stream in found.get("streams", [])}
    video, audio = streams.get("video"), streams.get("audio")
    start, seconds = (found.get("format", {}).get(name) for name in ("start_time", "duration"))
    return {
        "video": video
        and video.get("width")
        and {"codec": video["codec_name"], "width": video["width"], "height": video["height"]},
        "audio": audio
        and {
            "codec": audio["codec_name"],
            "sample_rate": int(audio["sample_rate"]),
            "channels": audio["channels"],
        },
        "start": float(start) if start else None,
        "seconds": float(seconds) if seconds else None,
    }


async def _probed(path: Path) -> dict[str, Any]:
    """Give what ffprobe says of a file, nothing where it cannot read it."""
    try:
        found: dict[str, Any] = json.loads(await run(ffmpeg_arguments.probe(path)))
    except ChildFailed as error:
        log.warning("file_unreadable", file=path.name, error=str(error))
        return {}
    return found


@dataclass(frozen=True, slots=True)
class _Span:
    """Where in a file its first stream begins, its video (its sound, where that is all), and where all ends (s)."""

    begin: float
    video: float
    end: float


def _span(found: dict[str, Any]) -> _Span | None:
    streams = [stream for stream in found.get("streams", []) if "start_time" in stream]
    starts = {stream["codec_type"]: float(stream["start_time"]) for stream in streams}
    seconds = found.get("format", {}).get("duration")
    if not starts or seconds is None:
        return None
    begin = min(starts.values())
    ends = [begin + float(seconds)]
    if (
        "mp4" in found["format"]["format_name"]
    ):  # its length counts from 0; in a transport stream a stream's lacks a bit
        ends = [float(stream["start_time"]) + float(stream.get("duration", 0)) for stream in streams]
    return _Span(begin=begin, video=starts.get("video", begin), end=max(ends))
