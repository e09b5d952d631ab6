"""The random fault walk: faults over several channels in an order that a seed gives, and then everything is verified.

    python -m tests.fault.walk [--seed N] [--seconds 180] [--channels 3] [--store directory|s3]
                               [--state sqlite|dynamodb] [--only FAULT …] [--without FAULT …] [--keep DIR] [--plan]

Exits 0 if the contract held: one session for each broadcast, every lost second declared, every playlist valid at every
look, at least 99 % of what was published captured, no process and no file left over. The same seed gives the same walk.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import psutil

from tests.emulators import Emulators
from tests.fault.faults import FAULTS
from tests.fault.schedule import LOSS_BUDGET, MEAN_PAUSE
from tests.fault.verdict import Outcome, judge
from tests.fault.walker import Walk, Walker
from tests.fault.world import a_world
from tests.numbered import NumberedMedia


def run(walk: Walk, folder: Path, media: NumberedMedia, ministack: str | None) -> Outcome:
    """Walk in a world of its own."""
    with a_world(folder, media, ministack=ministack, store=walk.store, state=walk.state) as world:
        walker = Walker(world, walk)
        outcome = judge(walker, walker.go())
        family = world.stack.family()
    _, alive = psutil.wait_procs(family, timeout=10)
    outcome.failures += [f"{process} outlives the stack" for process in alive]
    return outcome


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fault.walk")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))  # noqa: S311 - no secret
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--store", choices=("directory", "s3"), default="s3")
    parser.add_argument("--state", choices=("sqlite", "dynamodb"), default="dynamodb")
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=())
    parser.add_argument("--without", nargs="*", choices=FAULTS, default=())
    parser.add_argument("--mean", type=float, default=MEAN_PAUSE, help="seconds between two faults")
    parser.add_argument("--budget", type=float, default=LOSS_BUDGET, help="share that the faults may cost by plan")
    parser.add_argument("--keep", type=Path, help="a folder, not there yet, for all that the walk leaves")
    parser.add_argument("--plan", action="store_true", help="print the steps and walk not")
    return parser.parse_args()


def main() -> None:
    wishes = vars(arguments())
    keep, is_plan = wishes.pop("keep"), wishes.pop("plan")
    walk = Walk(**wishes)
    print(f"seed {walk.seed}: {walk.seconds:g} s, {walk.channels} channels, {walk.store}, {walk.state}", flush=True)
    if is_plan:
        print("\n".join(str(step) for step in walk.steps()))
        return
    with tempfile.TemporaryDirectory(prefix="walk-") as temporary, Emulators() as emulators:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        is_remote = "s3" in walk.store or "dynamodb" in walk.state
        outcome = run(walk, folder, NumberedMedia(folder), emulators.url("ministack") if is_remote else None)
    print("\n".join([*outcome.lines, "", *outcome.failures, f"seed {walk.seed}: {len(outcome.failures)} failures"]))
    raise SystemExit(1 if outcome.failures else 0)


if __name__ == "__main__":
    main()
