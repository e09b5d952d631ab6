"""Cuts a file at a keyframe, so that of two captures of one stream each frame is kept once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from services.worker.capture import ffmpeg_arguments
from services.worker.child_program import ChildFailed, run
from services.worker.events import FileClosed

log = structlog.get_logger()

SAME_SECONDS = 0.001
KEYFRAME_SECONDS = 0.2
"""By how much a keyframe's time in a file may differ from what was reckoned, where the frame rate varies."""


def within(file: FileClosed, since: float | None, until: float | None, *, first_keyframe: float) -> FileClosed | None:
    """Give a file with what is to be cut off it, so that it spans no more than `since` to `until`; None: all of it.

    Those and `first_keyframe`, the PTS of the file's first keyframe, are seconds on the clock of the file's part.
    """
    if until is not None and file.end > until + SAME_SECONDS:
        if file.start > until - SAME_SECONDS:
            return None
        file = replace(file, end=until, cut_to=until - first_keyframe)
    if since is not None and file.start < since - SAME_SECONDS:
        if file.end < since + SAME_SECONDS:
            return None
        file = replace(file, start=since, cut_from=since - first_keyframe)
    return file


async def cut(file: FileClosed) -> FileClosed:
    """Give the file without what is to be cut off; one that cannot be cut is given whole."""
    if file.cut_from is None and file.cut_to is None:
        return file
    target = file.path.with_name(f"cut-{file.path.name}")
    target.unlink(missing_ok=True)  # what a kill left may be an object by now, by a hard link
    try:
        packets = await _packets(file.path)
        may_be_early = file.path.suffix == ".mp4" and (file.is_first or file.cut_from is not None)
        early = _early(packets) if may_be_early else 0.0
        since = None if file.cut_from is None else _nearest(packets, file.cut_from, early)
        until = None if file.cut_to is None else _end(packets, file.cut_to, early)
        await run(ffmpeg_arguments.cut(file.path, target, since=since, until=until, early=early))
    except ChildFailed as error:
        log.warning("file_not_cut", file=file.path.name, error=str(error))
        target = file.path
    length = file.end - file.start
    return replace(file, path=target, cut_from=None, cut_to=None, is_first=False, waited=length)


@dataclass(frozen=True, slots=True)
class _Packet:
    pts: float
    dts: float
    is_keyframe: bool


async def sound_lead(path: Path) -> float:
    """Say how long before the first picture of an MP4 its sound begins (s), which the file itself does not."""
    try:
        return _early(await _packets(path, first=3))
    except ChildFailed:
        return 0.0


async def _packets(path: Path, *, first: int | None = None) -> list[_Packet]:
    """Give the video packets, from the first keyframe on, with their times in the file (s)."""
    found = json.loads(await run(ffmpeg_arguments.packets(path, first=first))).get("packets", [])
    packets = [
        _Packet(float(packet["pts_time"]), float(packet["dts_time"]), packet["flags"].startswith("K"))
        for packet in found
        if "pts_time" in packet and "dts_time" in packet
    ]
    begin = next((number for number, packet in enumerate(packets) if packet.is_keyframe), None)
    if begin is None:
        raise ChildFailed("no keyframe is in the file")
    return packets[begin:]


def _early(packets: list[_Packet]) -> float:
    """Say by how much the first picture of an MP4 stands too early (s).

    The muxer lets every track begin at 0 and makes the first picture last longer where there is sound before it.
    """
    if len(packets) < 3:  # noqa: PLR2004 - two make an interval
        return 0.0
    interval = packets[2].dts - packets[1].dts
    return max(0.0, packets[1].dts - interval - packets[0].dts)


def _nearest(packets: list[_Packet], after_first: float, early: float) -> float:
    """Give the DTS of the keyframe that is so long after the first (PTS), which stands `early`."""
    wanted = packets[0].pts + early + after_first
    if after_first < SAME_SECONDS:
        return packets[0].dts + early
    found = min((packet for packet in packets if packet.is_keyframe), key=lambda packet: abs(packet.pts - wanted))
    if abs(found.pts - wanted) > KEYFRAME_SECONDS:
        off = found.pts - wanted
        raise ChildFailed(f"no keyframe is {after_first:.3f} s after the first, the nearest {off:+.3f} s off")
    return found.dts


def _end(packets: list[_Packet], after_first: float, early: float) -> float:
    """Give the DTS of the keyframe that is so long after the first, or that time itself where timestamps jumped."""
    try:
        return _nearest(packets, after_first, early)
    except ChildFailed:
        return packets[0].pts + early + after_first
