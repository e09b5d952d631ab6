"""Every file can be read, is as long as listed, and begins when listed; the frames in it are told one by one."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from tests.verifier import media
from tests.verifier.media import Frame, Probe
from tests.verifier.record import Entry, Record
from tests.verifier.report import Report
from tests.verifier.stored import Stored

LENGTH_TOLERANCE = 0.35
"""Seconds by which a file's real length may differ from the listed one: sound and video need not end together."""
CLOCK_TOLERANCE = 0.35
"""Seconds by which the times listed for two segments of a part may differ from what their PTS say."""
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Captured:
    """A frame that an output holds: what it shows, when it was captured by the manifest (epoch s), where it is."""

    tick: int | None
    at: float
    key: str


@dataclass(slots=True)
class Content:
    """What was found in the files: frames by output, in order; keyframes' longest distance (s)."""

    frames: dict[str, list[Captured]] = field(default_factory=dict)
    gop: float = 0.0


def read(stored: Stored, record: Record, report: Report) -> Content:
    """Probe and decode every file that is there."""
    content = Content()
    there = {
        kind: [entry for entry in record.of(kind) if entry.key in stored.sizes] for kind in ("recording", "segment")
    }
    with ThreadPoolExecutor(_WORKERS) as pool:
        both = [*there["recording"], *there["segment"]]
        looks = pool.map(lambda entry: media.probe(stored.path(entry.key)), there["recording"])
        probes = {entry.key: look for entry, look in zip(there["recording"], looks, strict=True)}
        runs = [list(run) for _, run in groupby(there["segment"], key=lambda entry: entry.part)]
        many = pool.map(lambda run: media.probe_run([stored.path(entry.key) for entry in run]), runs)
        for run, found_in_run in zip(runs, many, strict=True):
            probes |= {entry.key: look for entry, look in zip(run, found_in_run, strict=True)}
        for entry in both:
            _check_probe(entry, probes[entry.key], report)
        content.gop = _longest_gop(there["segment"] or there["recording"], probes)
        recordings = pool.map(lambda entry: _recording(stored, entry, probes[entry.key]), there["recording"])
        segments = pool.map(lambda run: _run(stored, run, probes), runs)
        for output, found in (("recordings", recordings), ("hls", segments)):
            content.frames[output] = []
            for frames, error in found:
                content.frames[output] += frames
                if error:
                    report.find("decode_error", error)
    for run in runs:
        _check_clock(run, probes, report)
    content.frames["snapshots"] = _snapshots(stored, record, report)
    return content


def _check_probe(entry: Entry, probe: Probe, report: Report) -> None:
    if probe.error:
        report.find("unreadable", f"{entry.key}: {probe.error}")
        return
    spans = probe.spans()
    if all(abs(span - entry.seconds) > LENGTH_TOLERANCE for span in spans):
        real = ", ".join(f"{span:.3f}" for span in spans)
        report.find(
            "length", f"{entry.key} is listed with {entry.seconds:.3f} s, all of it and its video last {real} s"
        )


def _longest_gop(entries: Iterable[Entry], probes: dict[str, Probe]) -> float:
    longest = 0.0
    for entry in entries:
        probe = probes[entry.key]
        edges = [*probe.keyframes, probe.frames[-1] + probe.interval] if probe.frames else []
        longest = max([longest, *(after - before for before, after in pairwise(edges))])
    return longest


def _recording(stored: Stored, entry: Entry, probe: Probe) -> tuple[list[Captured], str]:
    path = stored.path(entry.key)
    if probe.error:
        return [], ""
    if not probe.frames:
        error = media.complaints([path])
        return [], f"{entry.key}: {error[:300]}" if error else ""
    frames, error = media.decode([path])
    found = [Captured(frame.tick, entry.at + frame.pts - probe.origin(entry.seconds), entry.key) for frame in frames]
    if len(frames) < len(probe.frames) and probe.starts_with_keyframe:
        error = error or f"{len(frames)} of {len(probe.frames)} frames can be decoded"
    return found, f"{entry.key}: {error[:300]}" if error and probe.starts_with_keyframe else ""


def _run(stored: Stored, run: list[Entry], probes: dict[str, Probe]) -> tuple[list[Captured], str]:
    """Decode a part's segments as a player does, one after the other."""
    readable = [entry for entry in run if not probes[entry.key].error]
    if not any(probes[entry.key].frames for entry in readable):
        return [], ""
    frames, error = media.decode([stored.path(entry.key) for entry in readable])
    first = probes[readable[0].key]
    found = [_captured(frame, readable, probes, first) for frame in frames]
    where = f"{readable[0].key} and {len(readable) - 1} more"
    return found, f"{where}: {error[:300]}" if error and first.starts_with_keyframe else ""


def _captured(frame: Frame, run: list[Entry], probes: dict[str, Probe], first: Probe) -> Captured:
    """Place a frame of a run: in the segment whose PTS reach to it."""
    at = run[0].at + frame.pts - first.origin(run[0].seconds)
    entry = next((entry for entry in run if probes[entry.key].end >= frame.pts), run[-1])
    return Captured(frame.tick, at, entry.key)


def _check_clock(run: list[Entry], probes: dict[str, Probe], report: Report) -> None:
    """Times of a part's segments follow their PTS."""
    readable = [entry for entry in run if not probes[entry.key].error and probes[entry.key].frames]
    for entry in readable[1:]:
        origins = [probes[each.key].origin(each.seconds) for each in (readable[0], entry)]
        by_pts = origins[1] - origins[0]
        if abs(entry.at - readable[0].at - by_pts) > CLOCK_TOLERANCE:
            listed = entry.at - readable[0].at
            report.find("segment_clock", f"{entry.key} is listed {listed:.3f} s into its run, its PTS say {by_pts:.3f}")


def _snapshots(stored: Stored, record: Record, report: Report) -> list[Captured]:
    entries = [entry for entry in record.of("snapshot") if entry.key in stored.sizes]
    if not entries:
        return []
    for entry in entries:
        size, told = media.jpeg_size(stored.path(entry.key)), (entry.more.get("width"), entry.more.get("height"))
        if size != told:
            report.find("picture_size", f"{entry.key} is {size}, listed as {told}")
    ticks, error = media.pictures([stored.path(entry.key) for entry in entries])
    if error or len(ticks) != len(entries):
        report.find("picture_unreadable", f"{len(ticks)} of {len(entries)} pictures can be read; {error[:300]}")
        return []
    return [Captured(tick, entry.at, entry.key) for tick, entry in zip(ticks, entries, strict=True)]
