"""Runs the benchmarks: `python -m tests.bench [NAME [ARGUMENT…]]`, all of them without a name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from tests.bench import grab, latest, now, outage, promptness, requests, snapshots, warm

BENCHMARKS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "snapshots": snapshots.main,
    "latest": latest.main,
    "now": now.main,
    "promptness": promptness.main,
    "grab": grab.main,
    "outage": outage.main,
    "warm": warm.main,
    "requests": requests.main,
}


def main(arguments: Sequence[str]) -> int:
    """Run one or all; give 0 if every bound is kept, 2 for a name that is none."""
    if not arguments:
        return max(run(()) for run in BENCHMARKS.values())
    name, *rest = arguments
    if name not in BENCHMARKS:
        print(f"there is no benchmark {name!r}; these are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    return BENCHMARKS[name](rest)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
