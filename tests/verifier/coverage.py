"""Parts and gaps cover the broadcast; the files of each output, and the gaps that name it, cover the parts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.verifier.record import OUTPUTS, Record
from tests.verifier.report import Report
from tests.verifier.spans import holes

CAUSES = frozenset(
    ("publisher_away", "not_listening", "ffmpeg_lost", "worker_lost", "store_dropped", "disk_full", "undecodable")
)
SLACK_SECONDS = 0.5
"""By how much clocks, and ends of files, may differ beyond one GOP or one frame."""
FIRST_SECONDS = 3.0
"""How long after its session was opened a publisher may send its first frame, where no log says when it did."""
OVERLAP_SECONDS = 0.1
"""By how much files of one kind may overlap: a frame of video at 10 a second, some of sound."""
BETWEEN_FILES_SECONDS = 0.3
"""By how much a file's listed end and the begin of the next may differ: sound and video need not end together."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What is known of it from outside: its GOP (s), and the first and last frame that was sent (epoch s)."""

    gop: float
    first: float | None = None
    last: float | None = None


def text(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-3]


def check(record: Record, broadcast: Broadcast, report: Report) -> None:
    """Check parts, gaps and files against each other."""
    _check_parts(record, report)
    _check_gaps(record, report)
    _check_timeline(record, broadcast, report)
    for kind, output in OUTPUTS.items():
        if kind != "snapshot" and (record.of(kind) or record.gaps_of(output)):
            _check_output(record, kind, output, broadcast, report)


def _check_parts(record: Record, report: Report) -> None:
    parts = record.parts
    for number, part in enumerate(parts):
        if part.more["n"] != number:
            report.find("part_order", f"the part in place {number} is n {part.more['n']}")
        if part.end is None and (record.is_over or number < len(parts) - 1):
            report.find("part_open", f"part {number} has no end")
        if part.end is not None and part.end < part.start:
            report.find("part_order", f"part {number} ends at {text(part.end)}, before it begins")
        before = parts[number - 1].end if number else None
        if before is not None and part.start < before - OVERLAP_SECONDS:
            report.find("part_overlap", f"part {number} begins {before - part.start:.3f} s before the last one's end")
    for entry in record.entries:
        if entry.part >= len(parts):
            report.find("part_unknown", f"{entry.key} is of part {entry.part}")


def _check_gaps(record: Record, report: Report) -> None:
    for gap in record.gaps:
        if gap.more["cause"] not in CAUSES:
            report.find("gap_cause", str(gap.more))
        outputs = gap.more["outputs"]
        if not outputs or not set(outputs) <= set(OUTPUTS.values()):
            report.find("gap_outputs", str(gap.more))
        if gap.end is None or gap.end <= gap.start:
            report.find("gap_span", str(gap.more))


def _check_timeline(record: Record, broadcast: Broadcast, report: Report) -> None:
    """Parts and gaps leave out at most a GOP between the first frame and the end."""
    spans = [(part.start, part.end or part.start) for part in record.parts]
    spans += [(gap.start, gap.end or gap.start) for gap in record.gaps]
    first = broadcast.first if broadcast.first is not None else record.started + FIRST_SECONDS
    last = record.end if record.end is not None else max((end for _, end in spans), default=first)
    for start, end in holes((first, last), spans):
        if end - start > broadcast.gop + SLACK_SECONDS:
            report.find("timeline_hole", f"no part and no gap from {text(start)} to {text(end)} ({end - start:.2f} s)")
    if record.end is not None and broadcast.last is not None and broadcast.last - record.end > SLACK_SECONDS:
        report.find("ended_early", f"frames were sent until {text(broadcast.last)}, the end is {text(record.end)}")


def _check_output(record: Record, kind: str, output: str, broadcast: Broadcast, report: Report) -> None:
    files, gaps = record.of(kind), record.gaps_of(output)
    spans = [(entry.at, entry.end) for entry in files]
    declared = [(start, end) for start, end, _ in gaps]
    for number, part in enumerate(record.parts):
        end = part.end if part.end is not None else max((at for _, at in spans), default=part.start)
        for start, stop in holes((part.start, end), spans + declared):
            # A file follows its predecessor at once; where a part begins and ends, or a gap does, a GOP may lack.
            is_between_files = start > part.start and stop < end and not _touches(declared, start, stop)
            if stop - start > (BETWEEN_FILES_SECONDS if is_between_files else broadcast.gop + SLACK_SECONDS):
                where = f"part {number} from {text(start)} to {text(stop)} ({stop - start:.2f} s)"
                report.find(f"{output}_hole", f"no file and no gap in {where}")
    for before, after in itertools.pairwise(files):
        if before.end - after.at > OVERLAP_SECONDS:
            report.find(
                f"{output}_overlap", f"{after.key} begins {before.end - after.at:.3f} s before {before.key} ends"
            )
    for start, end, cause in gaps:
        missing = sum(stop - begin for begin, stop in holes((start, end), spans))
        if end - start - missing > broadcast.gop + SLACK_SECONDS:
            there = f"{end - start - missing:.2f} of {end - start:.2f} s are there"
            report.find(f"{output}_gap_not_missing", f"{cause} from {text(start)}: {there}")


def _touches(declared: list[tuple[float, float]], start: float, stop: float) -> bool:
    """Say whether a gap begins where a hole ends, or ends where it begins."""
    return any(abs(end - start) < 0.001 or abs(begin - stop) < 0.001 for begin, end in declared)
