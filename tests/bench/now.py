"""A snapshot taken now: how long `POST …/snapshots` takes while the channel is live; `./setup.sh bench now`."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from services.domain import times
from tests.bench.latency import HEAD, percentile, row, timed
from tests.bench.sides import ALL_OUTPUTS, PICTURES_ONLY, START_SECONDS
from tests.bench.source import WHAT, hd_stream
from tests.bench.table import table, verdict
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack, stack_on_aws
from tests.emulators import Emulators
from tests.local.running import free_offset
from tests.waiting import eventually

KEYFRAME_MOST = 0.3
FRAME_MOST = 0.8
"""Seconds: the p95 of the newest keyframe, and of the newest frame."""
MAX_AGE = 0.2
AGE_MOST = MAX_AGE + 0.4
"""Seconds: how old a frame may be when it is asked for; it is some time on its way to where it can be decoded."""
PAUSE_SECONDS = (0.1, 0.9)  # between two asks: they come at any place of a GOP
AT_ONCE = 20


def _asked(stack: Stack, path: str, body: dict[str, Any], count: int) -> tuple[list[float], list[dict[str, Any]]]:
    took, shots = [], []
    for _ in range(count):
        asked_at = time.time()
        seconds, answer = timed(lambda: stack.api.post(path, json=body))
        shot = answer.raise_for_status().json()
        took.append(seconds)
        shots.append(
            {**shot, "age": asked_at - times.parse(shot["captured_at"]).timestamp(), "code": answer.status_code}
        )
        time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - not for secrets
    return took, shots


def _ages(shots: Sequence[dict[str, Any]]) -> list[float]:
    return [shot["age"] for shot in shots]


def _seen(shots: Sequence[dict[str, Any]]) -> str:
    ages = _ages(shots)
    made = sum(shot["code"] == 201 for shot in shots)
    return f"{made} made, {percentile(ages, 0.5):.2f} s old when asked for (p50), {percentile(ages, 0.95):.2f} s (p95)"


def measured(name: str, stack: Stack, source: Path, count: int, **outputs: bool) -> tuple[list[tuple[str, ...]], bool]:
    """Ask a live channel for pictures, one after the other and then all at once."""
    channel = stack.create(image_time=30, **outputs)
    path = f"/channels/{channel['id']}/snapshots"
    rows, kept = [], []
    with Publisher(channel["publish"]["url"], source):
        eventually(lambda: stack.api.post(path).status_code in {200, 201}, within=START_SECONDS, what="a picture")
        time.sleep(5)
        for what, body, most in (("keyframe", {}, KEYFRAME_MOST), ("frame", {"max_age": MAX_AGE}, FRAME_MOST)):
            took, shots = _asked(stack, path, body, count)
            kept += [percentile(took, 0.95) <= most, not body or percentile(_ages(shots), 0.95) <= AGE_MOST]
            age = f", age p95 ≤ {AGE_MOST:g} s {verdict(is_kept=kept[-1])}" if body else ""
            bound = f"p95 ≤ {most * 1000:g} {verdict(is_kept=kept[-2])}{age}; {_seen(shots)}"
            rows.append(row(f"{name}, {what}", took, bound))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            together = list(
                threads.map(lambda _: timed(lambda: stack.api.post(path, json={"max_age": 0})), range(AT_ONCE))
            )
        made = sum(answer.status_code == 201 for _, answer in together)
        rows.append(row(f"{name}, {AT_ONCE} at once", [seconds for seconds, _ in together], f"{made} made"))
    return rows, all(kept)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give 0 if the bounds are kept."""
    parser = argparse.ArgumentParser(prog="setup.sh bench now", description=__doc__)
    parser.add_argument("--asks", type=int, default=100, help="how many of each kind")
    parser.add_argument("--only", choices=("directory", "s3"))
    given = parser.parse_args(arguments)
    rows, kept = [], []
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name, ExitStack() as ending:
        folder = Path(name)
        source = hd_stream(folder)
        print(f"{WHAT}; image_time 30 s, max_age {MAX_AGE:g} s\n", flush=True)
        runs: list[tuple[str, Stack, dict[str, bool]]] = []
        if given.only != "s3":
            stack = Stack(folder / "directory", free_offset())
            runs += [("directory, all outputs", stack, ALL_OUTPUTS), ("directory, pictures only", stack, PICTURES_ONLY)]
        if given.only != "directory":
            endpoint = ending.enter_context(Emulators()).url("ministack")
            runs.append(("S3, all outputs", stack_on_aws(folder / "aws", free_offset(), endpoint), ALL_OUTPUTS))
        for what, stack, outputs in runs:
            with stack:
                found, is_kept = measured(what, stack, source, given.asks, **outputs)
            rows += found
            kept.append(is_kept)
    print(table(HEAD, rows))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
