"""Compares what an output holds with the publisher's own log of frames."""

from __future__ import annotations

import json
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import inf
from pathlib import Path

from tests.verifier.content import Captured
from tests.verifier.coverage import SLACK_SECONDS, text
from tests.verifier.record import Record
from tests.verifier.report import Report
from tests.verifier.spans import inside

CLOCK_SECONDS = 0.9
"""By how much a capture time may differ from the publisher's wall clock: a busy machine hands a part's first packets on
late, and its clock with them; on a quiet one it is less than 0.1 s."""
SESSION_SECONDS = 4.0
"""How long before its session's start and after its end a frame may have been sent that belongs to it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was sent: the tick that it shows, when it was due and when it was sent (epoch s)."""

    tick: int
    due: float
    at: float


def read_log(path: Path, record: Record) -> list[Frame]:
    """Read the frames that were sent in a session's time, in their order."""
    since = record.started - SESSION_SECONDS
    until = inf if record.end is None else record.end + SESSION_SECONDS
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    frames = [
        Frame(raw["tick"], raw["due"], raw["at"]) for raw in lines if "tick" in raw and since <= raw["at"] <= until
    ]
    return sorted(frames, key=lambda frame: frame.tick)


def check(record: Record, sent: Sequence[Frame], frames: dict[str, list[Captured]], gop: float, report: Report) -> None:
    """Every frame that was sent is captured once, in order, at its time, or lies in a declared gap."""
    report.published = len(sent)
    due = {frame.tick: frame for frame in sent}
    for output, captured in frames.items():
        if captured:
            _check_clock(output, captured, due, report)
    for output in ("recordings", "hls"):
        if not frames.get(output) and not record.gaps_of(output):
            continue
        captured = frames.get(output, [])
        _check_order(output, captured, due, report)
        held = {frame.tick for frame in captured if frame.tick is not None}
        missing = [frame for frame in sent if frame.tick not in held]
        report.captured[output] = len(sent) - len(missing)
        report.missing[output] = [frame.due for frame in missing]
        _explain(output, record, missing, _Held(captured, record, gop), report)


def _check_order(output: str, captured: list[Captured], due: dict[int, Frame], report: Report) -> None:
    unreadable = [frame for frame in captured if frame.tick is None]
    if unreadable:
        report.find("frame_unreadable", f"{output}: {len(unreadable)} frames, the first in {unreadable[0].key}")
    read = [(frame.tick, frame.key) for frame in captured if frame.tick is not None]
    for tick, count in Counter(tick for tick, _ in read).items():
        if count > 1:
            where = sorted({key for each, key in read if each == tick})
            report.find("frame_twice", f"{output}: frame {tick} stands {count} times in {where}")
    for (before, _), (after, key) in pairwise(read):
        if after < before:
            report.find("frame_order", f"{output}: frame {after} comes after {before} in {key}")
    unknown = [tick for tick, _ in read if tick not in due]
    if unknown:
        report.find("frame_unknown", f"{output}: {len(unknown)} frames were never sent, the first is {unknown[0]}")


def _check_clock(output: str, captured: list[Captured], due: dict[int, Frame], report: Report) -> None:
    # Where sound came first, a file's first picture is shown from the file's begin on: it may be early, never late.
    firsts = {id(next(run)) for _, run in groupby(captured, key=lambda frame: frame.key)}
    late = [
        (max(error, 0.0) if id(frame) in firsts else abs(error), frame)
        for frame in captured
        if frame.tick is not None and frame.tick in due
        for error in [frame.at - due[frame.tick].due]
    ]
    if not late:
        return
    worst, frame = max(late, key=lambda pair: pair[0])
    report.figures[f"{output} clock error max"] = f"{worst:.3f} s"
    count = sum(error > CLOCK_SECONDS for error, _ in late)
    if count:
        report.find("clock", f"{output}: {count} frames are off, the worst by {worst:.3f} s in {frame.key}")


def _explain(output: str, record: Record, missing: list[Frame], held: _Held, report: Report) -> None:
    """Give each missing frame its cause; what no gap declares is a finding, unless a part begins or ends there.

    A part may begin and end up to a GOP later and earlier than its publisher: frames inside a part are all there.
    """
    gaps, causes, silent = record.gaps_of(output), Counter[str](), list[Frame]()
    gop = held.gop
    for frame in missing:
        cause = inside(frame.due, gaps, 0.0)
        if cause is None:
            silent.append(frame)
        else:
            causes[cause] += 1
    _check_causes(output, gaps, missing, gop, report)
    for run in _runs(silent):
        before, after = held.around(run)
        is_inside = before is not None and after is not None and before.part == after.part
        if is_inside and before is not None and after is not None:
            is_inside = not any(start < after.at and end > before.at for start, end, _ in gaps)
        cause = inside((run[0].due + run[-1].due) / 2, gaps, gop + SLACK_SECONDS)
        causes[cause or "undeclared"] += len(run)
        if is_inside or run[-1].due - run[0].due > gop:
            where = f"from {text(run[0].due)} to {text(run[-1].due)}"
            report.find("frame_lost", f"{output}: {len(run)} frames {where} (ticks {run[0].tick} to {run[-1].tick})")
    report.lost[output] = dict(causes)


def _check_causes(
    output: str, gaps: list[tuple[float, float, str]], missing: list[Frame], gop: float, report: Report
) -> None:
    """Nobody may be said to be away who sent frames."""
    slack = gop + SLACK_SECONDS
    for start, end, cause in gaps:
        sent = [frame for frame in missing if start + slack < frame.due < end - slack]
        if cause == "publisher_away" and sent:
            where = f"from {text(start)} to {text(end)}"
            report.find("cause_untrue", f"{output}: publisher_away {where}, in which {len(sent)} frames were sent")


@dataclass(frozen=True, slots=True)
class _Place:
    part: int
    at: float


class _Held:
    """The frames that an output holds, with the parts they are in; `gop` is the longest of them (s)."""

    def __init__(self, captured: list[Captured], record: Record, gop: float) -> None:
        self.gop = gop
        parts = {entry.key: entry.part for entry in record.entries}
        read = {frame.tick: _Place(parts[frame.key], frame.at) for frame in captured if frame.tick is not None}
        self._ticks = sorted(read)
        self._places = [read[tick] for tick in self._ticks]

    def around(self, run: list[Frame]) -> tuple[_Place | None, _Place | None]:
        """Give the places of the last frame before a run of missing ones and of the first after it."""
        at = bisect(self._ticks, run[0].tick)
        return (self._places[at - 1] if at else None, self._places[at] if at < len(self._places) else None)


def _runs(frames: list[Frame]) -> list[list[Frame]]:
    runs: list[list[Frame]] = []
    for frame in frames:
        if runs and frame.due - runs[-1][-1].due < 0.25:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs
