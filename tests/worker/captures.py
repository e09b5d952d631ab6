"""Files as ffmpeg leaves them in the spool, with what it says of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from services.domain.artifact import Kind
from services.domain.capture import MediaPlan
from services.worker.capture import ffmpeg_arguments
from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.events import FileClosed
from tests.media import run


def captured(
    source: Path, folder: Path, *, recording: float | None = None, segment: float | None = None
) -> list[FileClosed]:
    """Capture a whole file as the worker would, and give the files in the order in which ffmpeg closed them."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = MediaPlan(recording_seconds=recording, segment_seconds=segment)
    lists = {name: os.pipe() for name in ("recording", "segment")}
    write_ends = {name: ends[1] for name, ends in lists.items()}
    argv = ffmpeg_arguments.capture(str(source), plan, folder, tap=Tap.KEYFRAMES, lists=write_ends)
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, pass_fds=list(write_ends.values()), timeout=30)
    files = []
    for kind, name in ((Kind.RECORDING, "recording"), (Kind.SEGMENT, "segment")):
        os.close(write_ends[name])
        with os.fdopen(lists[name][0]) as lines:
            for line in lines:
                file, start, end = line.strip().rsplit(",", 2)
                files.append(FileClosed(kind=kind, path=folder / file, start=float(start), end=float(end)))
    return files


def packets(path: Path, stream: str = "v") -> list[dict[str, float]]:
    """Give each packet's `pts` and `dts` (s) and whether it is a keyframe (1 or 0)."""
    entries = ["-of", "json", "-select_streams", stream, "-show_entries", "packet=pts_time,dts_time,flags"]
    shown = run(["ffprobe", "-v", "error", *entries, path])
    return [
        {
            "pts": float(packet["pts_time"]),
            "dts": float(packet["dts_time"]),
            "key": float(packet["flags"].startswith("K")),
        }
        for packet in json.loads(shown)["packets"]
    ]


def probed(path: Path) -> dict[str, Any]:
    """Give what ffprobe says of a file and its streams."""
    shown = run(["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", path])
    found: dict[str, Any] = json.loads(shown)
    return found
