"""Plays many sequences: `python -m tests.reconciler.walk --sequences 10000 --seed 0`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.reconciler.world.quiet import quiet
from tests.reconciler.world.sequence import Outcome, run


def walked(first: int, count: int) -> Sequence[Outcome]:
    """Play the sequences of so many seeds, from the first on."""
    with quiet():
        return [run(seed) for seed in range(first, first + count)]


def table(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Give what happened, in lines."""
    events: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for outcome in outcomes:
        events.update(outcome.events)
        seen.update(outcome.seen)
    healed = sorted(outcome.seconds for outcome in outcomes if outcome.seconds is not None)
    sweeps = sum(outcome.sweeps for outcome in outcomes)
    lines = [
        f"{len(outcomes):,} sequences, {sum(events.values()):,} events, {sweeps:,} sweeps, in {seconds:.0f} s",
        *(f"  {number:9,}  {name}" for name, number in sorted(events.items())),
        "what came of it:",
        *(f"  {number:9,}  {name}" for name, number in sorted(seen.items())),
    ]
    if healed:
        middle, late = healed[len(healed) // 2], healed[len(healed) * 99 // 100]
        lines.append(
            f"seconds of the simulated world from the last fault to agreement: half of them {middle:.0f}, "
            f"99 of 100 {late:.0f}, the longest {healed[-1]:.0f}"
        )
    problems = [outcome for outcome in outcomes if outcome.problem is not None]
    lines.append(f"{len(problems)} sequences did not end in agreement")
    lines += [f"  --seed {outcome.seed} --sequences 1: {outcome.problem}" for outcome in problems[:20]]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reconciler.walk", description=__doc__)
    parser.add_argument("--sequences", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    outcomes = walked(arguments.seed, arguments.sequences)
    print(table(outcomes, time.monotonic() - began))
    sys.exit(any(outcome.problem is not None for outcome in outcomes))


if __name__ == "__main__":
    main()
