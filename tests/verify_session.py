"""Verifies a session from outside: what its manifest promises, against what the store holds and what was published.

    python -m tests.verify_session <DIR | s3://bucket> <session> [--frames LOG] [--gop SECONDS] [--closed]

Prints a line for each finding and a summary; exits 0 if there is none, 1 if there are some, 2 for wrong arguments. It
knows nothing of the worker's code: it reads files with ffprobe and ffmpeg, playlists with the m3u8 library, and the
numbers in the frames of a clip of tests/numbered.py. `--closed` makes a session that is not over a finding.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.verifier import content, coverage, objects, playlists, published, sprites
from tests.verifier.coverage import Broadcast
from tests.verifier.record import read
from tests.verifier.report import Report
from tests.verifier.stored import Stored, fetch, opened

MIN_GOP_SECONDS = 0.1


def verify(
    stored: Stored, session: str, *, frames: Path | None = None, gop: float | None = None, closed: bool = True
) -> Report:
    """Verify one session; `frames` is the publisher's log, `gop` (s) is measured where it is not given."""
    report = Report(session)
    record = read(stored, session, report)
    if record is None:
        return report
    if closed and not record.is_over:
        report.find("not_over", f"the session is {record.head['state']}")
    fetch(stored, [entry.key for entry in record.entries if entry.key in stored.sizes])
    objects.check(stored, record, report)
    found = content.read(stored, record, report)
    allowed = max(gop or found.gop, MIN_GOP_SECONDS)
    sent = published.read_log(frames, record) if frames is not None else []
    broadcast = Broadcast(allowed, sent[0].at if sent else None, sent[-1].at if sent else None)
    coverage.check(record, broadcast, report)
    playlists.check(stored, record, report)
    sprites.check(stored, record, report)
    report.figures |= {
        "parts": len(record.parts),
        "gaps": len(record.gaps),
        "objects": len(record.entries),
        "gop": f"{allowed:.2f} s",
    }
    if frames is not None:
        published.check(record, sent, found.frames, allowed, report)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.verify_session")
    parser.add_argument("place", help="a data folder, its objects folder, or s3://bucket")
    parser.add_argument("session")
    parser.add_argument("--frames", type=Path, help="the publisher's log of frames")
    parser.add_argument("--gop", type=float, help="the longest GOP in seconds; measured if left out")
    parser.add_argument("--closed", action="store_true", help="the session must be over")
    wishes = parser.parse_args()
    stored = opened(wishes.place)
    report = verify(stored, wishes.session, frames=wishes.frames, gop=wishes.gop, closed=wishes.closed)
    for line in report.lines():
        print(line)
    raise SystemExit(1 if report.findings else 0)


if __name__ == "__main__":
    main()
