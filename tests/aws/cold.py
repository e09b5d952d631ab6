"""What a cold start costs: `python -m tests.aws.cold [--start SECONDS] [--files]`.

The publisher is let in while no worker is there; a task takes `--start` seconds until its process begins. State and
objects are in DynamoDB and S3 of ministack, or with `--files` in SQLite and a directory.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.aws.happenings import first_task_takes_long
from tests.aws.world import a_cloud
from tests.emulators import Emulators
from tests.fault.stories import Told
from tests.numbered import NumberedMedia
from tests.verifier.published import read_log


def main() -> int:
    """Print the figures; give 0 if no frame is lost and none is there twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.aws.cold")
    parser.add_argument("--start", type=float, default=40.0, help="seconds until a task runs")
    parser.add_argument("--files", action="store_true", help="without ministack")
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Emulators() as emulators:
        endpoint = None if wishes.files else emulators.url("ministack")
        with a_cloud(Path(folder), NumberedMedia(Path(folder)), endpoint=endpoint) as world:
            told = first_task_takes_long(world, wishes.start)
            return _judged(told, wishes.start)


def _judged(told: Told, start: float) -> int:
    report = told.report
    first = min(frame.due for frame in read_log(told.air.broadcaster.log, told.record))
    print("\n".join(report.lines()))
    print(f"start of {start:g} s: first picture {told.pictures()[0].at - first:+.3f} s from the first frame")
    print(f"live.m3u8 {told.figures['seen']:.1f} s after the first frame was sent; longest without a picture", end=" ")
    print(f"{told.longest_without_picture():.2f} s; gaps {sorted(told.causes)}")
    is_whole = set(report.captured.values()) == {report.published}
    return 0 if is_whole and not report.findings else 1


if __name__ == "__main__":
    raise SystemExit(main())
