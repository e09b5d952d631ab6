"""The newest snapshot: how long `GET …/snapshots/latest` takes while the channel is live; `./setup.sh bench latest`."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from services.domain import times
from tests.bench.latency import HEAD, percentile, row, timed
from tests.bench.reporting import DIRECTORY, S3, Found, parser_of, reported, stacks_in
from tests.bench.sides import START_SECONDS
from tests.bench.source import WHAT, hd_stream
from tests.bench.table import verdict
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.waiting import eventually

P99_MOST = 0.05
"""Seconds, of the JSON answer."""
NAMES = {DIRECTORY: "directory, SQLite", S3: "S3, DynamoDB (ministack)"}
PAUSE_SECONDS = 0.02  # between two calls, at the most: several pictures come meanwhile


def measured(name: str, stack: Stack, source: Path, calls: int) -> Found:
    """Ask a stack for its newest picture again and again."""
    channel = stack.create(image_time=1, image_sizes=[320, 640])
    path = f"/channels/{channel['id']}/snapshots/latest"
    with Publisher(channel["publish"]["url"], source):
        eventually(lambda: stack.api.get(path).status_code == 200, within=START_SECONDS, what="the first picture")
        took, ages, keys = [], [], []
        for _ in range(calls):
            time.sleep(random.uniform(0, PAUSE_SECONDS))  # noqa: S311 - not for secrets
            seconds, answer = timed(lambda: stack.api.get(path))
            item = answer.raise_for_status().json()
            took.append(seconds)
            keys.append(item["key"])
            ages.append((datetime.now(UTC) - times.parse(item["captured_at"])).total_seconds())
        pictures = [timed(lambda: stack.api.get(path, headers={"Accept": "image/jpeg"}))[0] for _ in range(calls)]
    assert keys == sorted(keys), "an older picture came after a newer one"
    is_kept = percentile(took, 0.99) <= P99_MOST
    bound = f"p99 ≤ {P99_MOST * 1000:g} {verdict(is_kept=is_kept)}"
    seen = f"{len(set(keys))} pictures, {percentile(ages, 0.5):.2f} s old (p50), {percentile(ages, 0.99):.2f} s (p99)"
    return [row(f"{name}, JSON", took, f"{bound}; {seen}"), row(f"{name}, JPEG", pictures)], is_kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give 0 if the bound is kept."""
    parser = parser_of("latest", __doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name, ExitStack() as ending:
        source = hd_stream(Path(name))
        print(f"{WHAT}; a picture each second, in three sizes\n", flush=True)
        stacks = stacks_in(Path(name), given.only, ending)
        return reported(HEAD, (_found(NAMES[store], stack, source, given.calls) for store, stack in stacks.items()))


def _found(name: str, stack: Stack, source: Path, calls: int) -> Found:
    with stack:
        return measured(name, stack, source, calls)


if __name__ == "__main__":
    raise SystemExit(main())
