"""Judges a walk: what was lost, why, and in the wake of which fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fault.faults import FAULTS, OF_ALL_CHANNELS
from tests.fault.samples import Samples
from tests.fault.walker import Walker
from tests.fault.world import Air
from tests.verifier.report import Report

FLAT_FROM_SECONDS = 600
"""How long a walk must be for its samples to be judged."""
AFTERMATH_SECONDS = 15.0
"""How long after a fault what is lost is put down to it."""
_RATE = 25


@dataclass(slots=True)
class Outcome:
    """What came of a walk: `failures` are what must not be, `lines` the tables."""

    failures: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    ratio: float = 0.0


def judge(walker: Walker, samples: Samples) -> Outcome:
    """Verify every session, and sum up."""
    if walker.world.stack.bucket is not None:
        walker.world.stack.bucket.look()  # for those who look at what was kept
    reports = [(air, air.verify()) for air in walker.airs]
    outcome = Outcome(failures=list(walker.failures))
    for number, (air, report) in enumerate(reports):
        outcome.failures += [f"channel {number}: {finding}" for finding in report.findings]
        outcome.lines.append(f"channel {number}: {_told(air, report)}")
    published = sum(report.published or 0 for _, report in reports)
    captured = sum(min(report.captured.values(), default=0) for _, report in reports)
    outcome.ratio = captured / published if published else 0.0
    if outcome.ratio < walker.walk.kept:
        outcome.failures.append(f"captured/published is {outcome.ratio:.4f}, less than {walker.walk.kept:.4f}")
    if walker.walk.seconds >= FLAT_FROM_SECONDS:
        outcome.failures += samples.grown()
    causes = sum((Counter(lost) for _, report in reports for lost in report.lost.values()), Counter[str]())
    outcome.lines += [
        f"captured/published {outcome.ratio:.5f} ({captured}/{published} frames)",
        f"frames lost by cause, all outputs: {dict(causes)}",
        *_losses(walker, [report for _, report in reports]),
        *samples.table(),
    ]
    return outcome


def _told(air: Air, report: Report) -> str:
    seen = air.watcher
    looks = f"{seen.looks} looks, {seen.versions} versions, {seen.unavailable} unavailable"
    return f"{report.lines()[-1]}; {looks}; live edge at most {seen.worst_edge():.1f} s old"


def _losses(walker: Walker, reports: list[Report]) -> list[str]:
    """Give faults by their count and by what was lost in their wake (in the output that lost more)."""
    lost: Counter[str] = Counter()
    for number, report in enumerate(reports):
        for due in max(report.missing.values(), key=len, default=[]):
            lost[_blamed(walker, number, due)] += 1
    counts = Counter(step.fault for step, _ in walker.done)
    rows = [f"| {name} | {counts[name]} | {lost[name] / _RATE:.2f} |" for name in sorted({*counts, *lost})]
    return ["| fault | count | lost s |", "|---|---|---|", *rows]


def _blamed(walker: Walker, channel: int, due: float) -> str:
    """Give the fault that hit a channel last before a frame was lost, one that may cost something if there is one."""
    hits = [
        (FAULTS[step.fault].cost > 0, at, step.fault)
        for step, at in walker.done
        if (step.channel == channel or FAULTS[step.fault].subject in OF_ALL_CHANNELS)
        and at - 2 <= due <= at + step.seconds + AFTERMATH_SECONDS
    ]
    return max(hits)[2] if hits else "(none near)"
