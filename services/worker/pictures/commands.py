"""What the worker asks of its picture child, as JSON lines on a pipe of their own.

    {"set": {"interval": seconds | null, "quality": percent, "sizes": [pixels], "skip_unchanged": bool,
             "tiles": bool}}
    {"now": {"id": number, "max_age": seconds | null}}
    {"anchor": epoch seconds of PTS 0, where the worker knows better}

Left out, a setting is as it was before.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.domain.capture import ImagePlan

READ_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that are to apply from now on, by the names of ImagePlan."""

    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A picture is wanted now: the newest keyframe, or a newer frame where that is older than `max_age` (s)."""

    id: int
    max_age: float | None


@dataclass(frozen=True, slots=True)
class Anchored:
    """PTS 0 is at `anchor` (epoch s)."""

    anchor: float


Command = Change | Ask | Anchored


def set_line(images: ImagePlan) -> bytes:
    """Spell the settings."""
    settings = {
        "interval": images.seconds,
        "quality": images.quality,
        "sizes": images.sizes,
        "skip_unchanged": images.skip_unchanged,
        "tiles": images.tiles,
    }
    return json.dumps({"set": settings}).encode() + b"\n"


def now_line(number: int, max_age: float | None) -> bytes:
    """Spell the wish for a picture."""
    return json.dumps({"now": {"id": number, "max_age": max_age}}).encode() + b"\n"


def anchor_line(anchor: float) -> bytes:
    """Spell where PTS 0 is."""
    return json.dumps({"anchor": anchor}).encode() + b"\n"


def command_of(line: bytes) -> Command:
    """Read a line; raise ValueError, KeyError or TypeError where it is none."""
    said = json.loads(line)
    if "now" in said:
        age = said["now"]["max_age"]
        return Ask(int(said["now"]["id"]), None if age is None else float(age))
    if "anchor" in said:
        return Anchored(float(said["anchor"]))
    settings = dict(said["set"])
    if "interval" in settings:
        settings["seconds"] = settings.pop("interval")
    if "sizes" in settings:
        settings["sizes"] = tuple(settings["sizes"])
    return Change(settings)


def listen(descriptor: int, take: Callable[[Command], None]) -> None:
    """Read commands from a pipe in a thread of its own, until the worker closes it."""
    threading.Thread(target=_read, args=(descriptor, take), name="commands", daemon=True).start()


def _read(descriptor: int, take: Callable[[Command], None]) -> None:
    rest = b""
    while data := os.read(descriptor, READ_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            take(command_of(line))
