"""Snapshots: ours against ffmpeg that decodes every frame, then all three outputs; `./setup.sh bench snapshots`.

Both sides pull one stream of 1080p30 from one live gateway at the same time; start-up does not count.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.sides import ALL_OUTPUTS, PICTURES_ONLY, START_SECONDS, Older, Ours, Side
from tests.bench.source import WHAT, hd_stream
from tests.bench.table import Used, table, verdict
from tests.e2e.stack import ON_AWS, Stack, stack_on_aws
from tests.emulators import Emulators
from tests.local.running import free_offset
from tests.waiting import eventually

WANTED = {30: 25.0, 2: 8.0, 1: 1.5}
"""How many times less than `ffmpeg -r 1` a worker may use, by its image_time (s)."""
ALL_OUTPUTS_MOST = 0.02
"""The share of a core that all three outputs may take, into a directory, with a picture each `ALL_OUTPUTS_TIME`."""
ALL_OUTPUTS_TIME = 10
SETTLE_SECONDS = 10.0


def started(side: Side) -> None:
    """Wait for a side's first picture."""
    eventually(side.pictures, within=START_SECONDS, what="the first picture")


def measured(sides: Sequence[Side], seconds: float) -> list[Used]:
    """Give what each side uses, start-up apart."""
    time.sleep(SETTLE_SECONDS)
    before = [(side.cpu(), time.monotonic(), side.pictures()) for side in sides]
    time.sleep(seconds)
    found = []
    for side, (cpu, began, pictures) in zip(sides, before, strict=True):
        now = side.cpu()
        spent = {name: now[name] - cpu[name] for name in now}
        found.append(Used(seconds=time.monotonic() - began, cpu=spent, pictures=side.pictures() - pictures))
    return found


def against_older(folder: Path, source: Path, seconds: float) -> tuple[str, bool]:
    """Compare the sides at each image_time: ours with `-r 1` at the same time, and then the filter.

    All of them at once would be more than two cores can do, and what falls behind uses less.
    """
    with ExitStack() as ending:
        stack = ending.enter_context(Stack(folder / "pictures", free_offset()))
        ours = [Ours.begun(stack, source, ending, image_time=interval, **PICTURES_ONLY) for interval in WANTED]
        for each in ours:
            started(each)
        urls = {interval: each.pull_url() for interval, each in zip(WANTED, ours, strict=True)}
        with ExitStack() as pulling:
            every_second = [
                pulling.enter_context(Older(url, ["-r", "1"], folder / f"second-{interval}"))
                for interval, url in urls.items()
            ]
            for side in every_second:
                started(side)
            found = measured([*ours, *every_second], seconds)
        with ExitStack() as pulling:
            filtered = measured(
                [
                    pulling.enter_context(Older(url, _filter(interval), folder / f"filtered-{interval}"))
                    for interval, url in urls.items()
                ],
                seconds,
            )
    rows, kept = [], []
    for interval, mine, second, other in zip(WANTED, found[: len(ours)], found[len(ours) :], filtered, strict=True):
        kept.append(mine.times_less_than(second) >= WANTED[interval])
        rows += _compared(interval, mine, second, other)
    head = ("image_time", "CPU-s", "of a core", "pictures", "ours less by", "")
    return table(head, rows), all(kept)


def _filter(interval: int) -> list[str]:
    return ["-vf", f"fps=1/{interval}"]


def _compared(interval: int, ours: Used, second: Used, filtered: Used) -> list[tuple[str, ...]]:
    wanted, times = WANTED[interval], ours.times_less_than(second)
    bound = f"≥ {wanted:g} {verdict(is_kept=times >= wanted)}"
    fell_behind = ", fell behind: the machine is too busy" if second.pictures < 0.9 * second.seconds else ""
    return [
        _row(f"{interval} s, ours", ours, "", ours.parts()),
        _row("  ffmpeg -r 1", second, f"{times:.1f} x", f"{bound}{fell_behind}"),
        _row(f"  ffmpeg {' '.join(_filter(interval))}", filtered, f"{ours.times_less_than(filtered):.1f} x", ""),
    ]


def all_outputs(folder: Path, source: Path, seconds: float) -> tuple[str, bool]:
    """Measure a worker with snapshots, recordings and HLS into each kind of store."""
    with ExitStack() as ending:
        endpoint = ending.enter_context(Emulators()).url("ministack")
        in_s3 = stack_on_aws(folder / "s3", free_offset(), endpoint)
        in_s3.arguments = ("--store", "s3")
        stacks = {
            "directory, SQLite": Stack(folder / "directory", free_offset()),
            "S3, SQLite": in_s3,
            "S3, DynamoDB": stack_on_aws(folder / "aws", free_offset(), endpoint, *ON_AWS),
        }
        sides: list[Side] = []
        for stack in stacks.values():
            ending.enter_context(stack)
            sides.append(Ours.begun(stack, source, ending, image_time=ALL_OUTPUTS_TIME, **ALL_OUTPUTS))
        for side in sides:
            started(side)
        found = dict(zip(stacks, measured(sides, seconds), strict=True))
    is_kept = found["directory, SQLite"].core <= ALL_OUTPUTS_MOST
    bounds = {"directory, SQLite": f"≤ {ALL_OUTPUTS_MOST:.0%} {verdict(is_kept=is_kept)}"}
    rows = [_row(name, used, bounds.get(name, ""), used.parts()) for name, used in found.items()]
    return table(("all three outputs", "CPU-s", "of a core", "pictures", "wanted", ""), rows), is_kept


def _row(name: str, used: Used, *more: str) -> tuple[str, ...]:
    return (name, f"{used.cpu_seconds:.2f}", f"{used.core:.2%}", str(used.pictures), *more)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables; give 0 if every bound is kept."""
    parser = argparse.ArgumentParser(prog="setup.sh bench snapshots", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long each side is measured")
    parser.add_argument("--only", choices=("older", "outputs"), help="one of the two tables")
    given = parser.parse_args(arguments)
    parts = {"older": against_older, "outputs": all_outputs}
    kept = []
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name:
        source = hd_stream(Path(name))
        print(f"{WHAT}; {given.seconds:g} s each, whole process trees, start-up apart\n", flush=True)
        for part in [given.only] if given.only else parts:
            text, is_kept = parts[part](Path(name), source, given.seconds)
            kept.append(is_kept)
            print(f"{text}\n", flush=True)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
