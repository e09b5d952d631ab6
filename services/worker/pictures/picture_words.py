"""What a picture child says, as the events that the worker takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.domain.artifact import Kind
from services.worker.events import (
    JUMPED,
    CaptureEvent,
    ClockSet,
    FileClosed,
    KeyframeSeen,
    MediaSeen,
    PaceSeen,
    PictureUnchanged,
    RunOutgrown,
    SizedFile,
    Undecodable,
    VideoSeen,
)


def _picture(said: dict[str, Any], folder: Path) -> FileClosed:
    return FileClosed(
        kind=Kind.SNAPSHOT,
        path=folder / said["file"],
        start=said["pts"],
        end=said["pts"],
        anchor=said["anchor"],
        width=said["width"],
        height=said["height"],
        flags=tuple(said.get("flags", ())),
        phash=said.get("phash"),
        sizes=tuple(
            SizedFile(path=folder / each["file"], width=each["width"], height=each["height"])
            for each in said.get("sizes", ())
        ),
    )


_EVENTS: dict[str, Callable[[dict[str, Any], Path], CaptureEvent | None]] = {
    "streams": lambda said, _: VideoSeen(video=said["video"]),
    "clock": lambda said, _: ClockSet(anchor=said["anchor"], first=said["first"]),
    "picture": _picture,
    "unchanged": lambda said, _: PictureUnchanged(pts=said["pts"]),
    "packet": lambda said, _: MediaSeen(pts=said["pts"], drift=said["drift"]),
    "keyframe": lambda said, _: KeyframeSeen(
        pts=said["pts"], at=said["at"], digest=said["digest"], drift=said["drift"]
    ),
    "pace": lambda said, _: PaceSeen(asked=said["asked"], achieved=said["achieved"]),
    "no_keyframes": lambda *_: RunOutgrown(why="no_keyframes", anywhere=True),
    "jump": lambda said, _: RunOutgrown(why=JUMPED, until=said["until"]),
    "new_video": lambda said, _: RunOutgrown(why="video_changed", until=said["until"]),
    "alive": lambda *_: None,
    "asked": lambda *_: None,  # whoever asked is answered by the line itself
    "undecodable": lambda said, _: Undecodable(pts=said["pts"], error=said["error"]),
}


def event_of(said: dict[str, Any], folder: Path) -> CaptureEvent | None:
    """Read one line of a child that writes into `folder`, None if it says nothing of the capture; or KeyError."""
    return _EVENTS[said["event"]](said, folder)
