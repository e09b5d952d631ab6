"""Playlists are legal, and say of their segments what the manifest says."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import m3u8

from tests.verifier.record import Entry, Record
from tests.verifier.report import Report
from tests.verifier.stored import Stored

TIME_TOLERANCE = 0.002
"""Seconds by which a playlist's time or length may differ from the manifest's: both are rounded to 1 ms."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment as a playlist names it: the last part of its address, its length (s) and its numbers."""

    uri: str
    seconds: float
    at: float | None
    media_sequence: int
    discontinuity_sequence: int


@dataclass(frozen=True, slots=True)
class Playlist:
    """A media playlist as a player reads it; `faults` are what RFC 8216 forbids."""

    target: int
    media_sequence: int
    discontinuity_sequence: int
    is_ended: bool
    segments: tuple[Listed, ...]
    faults: tuple[str, ...]


def parse(text: str) -> Playlist:
    """Read a playlist and judge it by itself."""
    found = m3u8.loads(text)
    faults, segments = _faults(text), list[Listed]()
    discontinuity = found.discontinuity_sequence or 0
    tags = _discontinuities(text)
    for number, segment in enumerate(found.segments):
        discontinuity += tags[number]
        at = segment.program_date_time
        listed = Listed(
            uri=segment.uri or "",
            seconds=float(segment.duration or 0),
            at=at.timestamp() if at is not None else None,
            media_sequence=(found.media_sequence or 0) + number,
            discontinuity_sequence=discontinuity,
        )
        if int(listed.seconds + 0.5) > (found.target_duration or 0):
            faults.append(f"{listed.uri} lasts {listed.seconds} s, EXT-X-TARGETDURATION is {found.target_duration}")
        if listed.seconds <= 0:
            faults.append(f"{listed.uri} lasts {listed.seconds} s")
        if listed.at is None:
            faults.append(f"{listed.uri} has no EXT-X-PROGRAM-DATE-TIME")
        elif segments and segments[-1].at is not None and listed.at < segments[-1].at:
            faults.append(f"EXT-X-PROGRAM-DATE-TIME goes backward at {listed.uri}")
        segments.append(listed)
    names = [segment.uri for segment in segments]
    if len(set(names)) != len(names):
        faults.append("a segment is named twice")
    return Playlist(
        target=int(found.target_duration or 0),
        media_sequence=found.media_sequence or 0,
        discontinuity_sequence=found.discontinuity_sequence or 0,
        is_ended=bool(found.is_endlist),
        segments=tuple(segments),
        faults=tuple(faults),
    )


def _discontinuities(text: str) -> list[int]:
    """Count the EXT-X-DISCONTINUITY tags before each segment: each counts (RFC 8216, 6.2.1), libraries see one."""
    counts, waiting = [], 0
    for line in text.splitlines():
        waiting += line == "#EXT-X-DISCONTINUITY"
        if line and not line.startswith("#"):
            counts.append(waiting)
            waiting = 0
    return counts


def _faults(text: str) -> list[str]:
    faults = [] if text.startswith("#EXTM3U\n") else ["it does not begin with #EXTM3U"]
    for tag, most in (("TARGETDURATION", 1), ("MEDIA-SEQUENCE", 1), ("DISCONTINUITY-SEQUENCE", 1), ("ENDLIST", 1)):
        count = len(re.findall(rf"^#EXT-X-{tag}\b", text, re.MULTILINE))
        if count > most or (count == 0 and tag == "TARGETDURATION"):
            faults.append(f"EXT-X-{tag} stands there {count} times")
    version = re.search(r"^#EXT-X-VERSION:(\d+)", text, re.MULTILINE)
    if version is None or int(version[1]) < 3:
        faults.append("lengths that are no whole numbers need EXT-X-VERSION 3")
    if not text.endswith("\n") or ("#EXT-X-ENDLIST" in text and not text.rstrip().endswith("#EXT-X-ENDLIST")):
        faults.append("it is cut short, or something follows EXT-X-ENDLIST")
    return faults


def check(stored: Stored, record: Record, report: Report) -> None:
    """Check live.m3u8, if this session is the last in it, and vod.m3u8."""
    session, segments = record.head["id"], record.of("segment")
    segments.sort(key=lambda entry: entry.more["media_sequence"])
    live, vod = f"hls/{record.channel}/live.m3u8", f"hls/{record.channel}/{session}/vod.m3u8"
    _check_parts(record, segments, report)
    if vod in stored.sizes:
        found = _check_list(stored, record, vod, segments, report)
        if record.is_over and [each.uri for each in found.segments] != [_name(entry.key) for entry in segments]:
            missing = {_name(entry.key) for entry in segments} - {each.uri for each in found.segments}
            report.find("vod_incomplete", f"{vod} lists {len(found.segments)} of {len(segments)}; missing {missing}")
    elif record.is_over and segments and live not in stored.sizes:
        report.find("playlist_missing", f"{len(segments)} segments and neither {live} nor {vod}")
    if live in stored.sizes:
        text = stored.path(live).read_text()
        if f"{session}/" in text:
            found = _check_list(stored, record, live, segments, report)
            last = [_name(entry.key) for entry in segments[-len(found.segments) :]]
            if record.is_over and [_name(each.uri) for each in found.segments] != last:
                report.find("live_stale", f"{live} ends with {found.segments[-1].uri}, the last is {last[-1]}")


def _check_parts(record: Record, segments: list[Entry], report: Report) -> None:
    """Discontinuity sequences follow the parts, media sequences count on without a hole."""
    for before, after in itertools.pairwise(segments):
        steps = after.more["discontinuity_sequence"] - before.more["discontinuity_sequence"], after.part - before.part
        if steps[0] != steps[1] or steps[0] < 0:
            report.find(
                "discontinuity", f"{after.key}: part {after.part} after {before.part}, sequence goes {steps[0]}"
            )
        step = after.more["media_sequence"] - before.more["media_sequence"]
        if step != 1 and (step < 1 or not _is_missing_between(record, before, after)):
            report.find("media_sequence", f"{after.key} follows {before.key}")
    target = record.head["target_duration"]
    if segments and not target:
        report.find("target_missing", "there are segments and no target_duration")


def _is_missing_between(record: Record, before: Entry, after: Entry) -> bool:
    """Say whether a gap declares segments missing that had got their numbers."""
    return any(start < after.at and end > before.end for start, end, _ in record.gaps_of("hls"))


def _check_list(stored: Stored, record: Record, key: str, segments: list[Entry], report: Report) -> Playlist:
    found = parse(stored.path(key).read_text())
    for fault in found.faults:
        report.find("playlist_illegal", f"{key}: {fault}")
    if record.is_over and not found.is_ended:
        report.find("playlist_open", f"{key} has no EXT-X-ENDLIST though the session is over")
    if found.is_ended and not record.is_over:
        report.find("playlist_closed", f"{key} has EXT-X-ENDLIST though the session goes on")
    if found.target != record.head["target_duration"]:
        report.find("target_changed", f"{key}: {found.target}, the head says {record.head['target_duration']}")
    known = {_name(entry.key): entry for entry in segments}
    numbers = [entry.more["media_sequence"] for entry in segments]
    is_whole, has_holes = (
        key.endswith("/vod.m3u8"),
        any(after != before + 1 for before, after in itertools.pairwise(numbers)),
    )
    folder = key.rpartition("/")[0]
    for listed in found.segments:
        entry = known.get(_name(listed.uri))
        if f"{folder}/{listed.uri}" not in stored.sizes:
            report.find("playlist_names_missing", f"{key} names {listed.uri}, which is not there")
        if entry is None or f"{folder}/{listed.uri}" != entry.key:
            if record.is_over or record.head["id"] in listed.uri:
                report.find("playlist_names_unlisted", f"{key} names {listed.uri}, which the manifest does not list")
            continue
        _compare(key, listed, entry, report)
        if not (is_whole and has_holes):  # there a place is no number: all that is named counts on from the first
            _compare_numbers(key, listed, entry, report)
    return found


def _compare(key: str, listed: Listed, entry: Entry, report: Report) -> None:
    if listed.at is None or abs(listed.at - entry.at) > TIME_TOLERANCE:
        report.find("playlist_time", f"{key}: {listed.uri} is at {listed.at}, listed at {entry.at}")
    if abs(listed.seconds - entry.seconds) > TIME_TOLERANCE:
        report.find("playlist_length", f"{key}: {listed.uri} lasts {listed.seconds}, listed are {entry.seconds}")


def _compare_numbers(key: str, listed: Listed, entry: Entry, report: Report) -> None:
    numbers = listed.media_sequence, listed.discontinuity_sequence
    told = entry.more["media_sequence"], entry.more["discontinuity_sequence"]
    if numbers != told:
        report.find("playlist_sequence", f"{key}: {listed.uri} is {numbers} by its place, listed as {told}")


def _name(address: str) -> str:
    return address.rpartition("/")[2]
