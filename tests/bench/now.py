"""A snapshot taken now: how long `POST …/snapshots` takes while the channel is live; `./setup.sh bench now`."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from services.domain import times
from tests.bench.latency import HEAD, percentile, row, timed
from tests.bench.reporting import DIRECTORY, S3, Found, parser_of, reported, stacks_in
from tests.bench.sides import ALL_OUTPUTS, PICTURES_ONLY, START_SECONDS
from tests.bench.source import WHAT, hd_stream
from tests.bench.table import verdict
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.waiting import eventually

KEYFRAME_MOST = 0.3
FRAME_MOST = 0.8
"""Seconds: the p95 of the newest keyframe, and of the newest frame."""
MAX_AGE = 0.2
AGE_MOST = MAX_AGE + 0.4
"""Seconds: how old a frame may be when it is asked for; it is some time on its way to where it can be decoded."""
PAUSE_SECONDS = (0.1, 0.9)  # between two asks: they come at any place of a GOP
AT_ONCE = 20
RUNS = (
    (DIRECTORY, "directory, all outputs", ALL_OUTPUTS),
    (DIRECTORY, "directory, pictures only", PICTURES_ONLY),
    (S3, "S3, all outputs", ALL_OUTPUTS),
)


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


def measured(name: str, stack: Stack, source: Path, count: int, **outputs: bool) -> Found:
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
    parser = parser_of("now", __doc__)
    parser.add_argument("--asks", type=int, default=100, help="how many of each kind")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name, ExitStack() as ending:
        source = hd_stream(Path(name))
        print(f"{WHAT}; image_time 30 s, max_age {MAX_AGE:g} s\n", flush=True)
        stacks = stacks_in(Path(name), given.only, ending)
        runs = [(what, stacks[store], outputs) for store, what, outputs in RUNS if store in stacks]
        return reported(HEAD, (_found(what, stack, source, given.asks, outputs) for what, stack, outputs in runs))


def _found(name: str, stack: Stack, source: Path, count: int, outputs: Mapping[str, bool]) -> Found:
    with stack:
        return measured(name, stack, source, count, **outputs)


if __name__ == "__main__":
    raise SystemExit(main())
