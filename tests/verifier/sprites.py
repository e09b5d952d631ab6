"""The sprite sheets of a session and their list say the same, and the list is in time."""

from __future__ import annotations

import re

from tests.verifier.record import Record
from tests.verifier.report import Report
from tests.verifier.stored import Stored, fetch

_CUE = re.compile(
    r"(?P<from>[\d:.]+) --> (?P<to>[\d:.]+)\n"
    r"(?P<sheet>sprite-\d{6}\.jpg)#xywh=(?P<x>\d+),(?P<y>\d+),(?P<w>\d+),(?P<h>\d+)"
)
_SIZE = re.compile(rb"\xff[\xc0\xc2].{3}(.{2})(.{2})", re.DOTALL)  # SOF: height, width


def place_of(record: Record) -> str:
    return f"hls/{record.channel}/{record.head['id']}"


def check(stored: Stored, record: Record, report: Report) -> None:
    """Check the list, if there is one."""
    folder = place_of(record)
    key = f"{folder}/sprites.vtt"
    if key not in stored.sizes:
        return
    fetch(stored, [key, *(other for other in stored.sizes if other.startswith(f"{folder}/sprite-"))])
    cues = list(_CUE.finditer(stored.path(key).read_text()))
    named = {cue["sheet"] for cue in cues}
    before = ""
    for cue in cues:
        if not before <= cue["from"] < cue["to"]:
            report.find("sprite_time", f"{key}: {cue['from']} --> {cue['to']} after {before}")
        before = cue["to"]
    for sheet in sorted(named):
        if f"{folder}/{sheet}" not in stored.sizes:
            report.find("sprite_missing", f"{folder}/{sheet}")
            continue
        found = _SIZE.search(stored.path(f"{folder}/{sheet}").read_bytes())
        height, width = (int.from_bytes(side, "big") for side in found.groups()) if found else (0, 0)
        for cue in (each for each in cues if each["sheet"] == sheet):
            x, y, w, h = (int(cue[name]) for name in "xywh")
            if x + w > width or y + h > height:
                report.find("sprite_outside", f"{folder}/{sheet} of {width}x{height}: {cue[0]!r}")
    report.figures["sprites"] = len(cues)
