"""What a picture child says, as the events that the worker takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.domain.artifact import Kind
from services.worker.events import (
    CaptureEvent,
    ClockSet,
    FileClosed,
    KeyframeSeen,
    MediaSeen,
    RunOutgrown,
    Undecodable,
    VideoSeen,
)


def _picture(said: dict[str, Any], folder: Path) -> FileClosed:
    return FileClosed(
        kind=Kind.SNAPSHOT,
        path=folder / said["file"],
        start=said["pts"],
        end=said["pts"],
        width=said["width"],
        height=said["height"],
    )


_EVENTS: dict[str, Callable[[dict[str, Any], Path], CaptureEvent | None]] = {
    "streams": lambda said, _: VideoSeen(video=said["video"]),
    "clock": lambda said, _: ClockSet(anchor=said["anchor"], first=said["first"]),
    "picture": _picture,
    "packet": lambda said, _: MediaSeen(pts=said["pts"], drift=said["drift"]),
    "keyframe": lambda said, _: KeyframeSeen(pts=said["pts"], at=said["at"], digest=said["digest"]),
    "long_gop": lambda *_: RunOutgrown(why="long_gop", all_packets=True),
    "no_keyframes": lambda *_: RunOutgrown(why="no_keyframes", all_packets=True, anywhere=True),
    "jump": lambda said, _: RunOutgrown(why="timestamps_jumped", until=said["until"]),
    "new_video": lambda said, _: RunOutgrown(why="video_changed", until=said["until"]),
    "alive": lambda *_: None,
    "undecodable": lambda said, _: Undecodable(pts=said["pts"], error=said["error"]),
}


def event_of(said: dict[str, Any], folder: Path) -> CaptureEvent | None:
    """Read one line of a child that writes into `folder`, None if it says no more than that it lives; or KeyError."""
    return _EVENTS[said["event"]](said, folder)
