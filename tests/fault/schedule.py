"""Which faults come when: a pure function of a seed."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from tests.fault.faults import EXCLUSIVE, FAULTS, OF_ALL_CHANNELS

QUIET_AT_FIRST, QUIET_AT_LAST = 8.0, 14.0
"""Seconds without faults: until all channels are live, and until all of them may have recovered."""
LOSS_BUDGET = 0.009
"""Which share of the broadcast the faults together may cost: the walk is hard, and 99 % can be kept."""
MEAN_PAUSE = 3.0


@dataclass(frozen=True, slots=True)
class Step:
    """At `at` seconds into the walk a fault hits a channel for so many seconds."""

    at: float
    fault: str
    channel: int
    seconds: float

    def __str__(self) -> str:
        where = "all" if FAULTS[self.fault].subject in OF_ALL_CHANNELS else f"channel {self.channel}"
        return f"{self.at:7.1f} s  {self.fault} on {where}" + (f" for {self.seconds:.1f} s" if self.seconds else "")


def _subjects(fault: str, channel: int, channels: int) -> set[str]:
    """Name all that is busy while a fault lasts."""
    subject = FAULTS[fault].subject
    if subject not in OF_ALL_CHANNELS:
        return {f"{subject} {channel}"}
    excluded = [other for other, shared in EXCLUSIVE if shared == subject]
    return {subject, *(f"{other} {number}" for other in excluded for number in range(channels))}


def schedule(
    seed: int,
    seconds: float,
    channels: int,
    kinds: Collection[str],
    *,
    mean: float = MEAN_PAUSE,
    budget: float = LOSS_BUDGET,
) -> list[Step]:
    """Give the steps of a walk in their order; `mean` is the pause between two (s), `budget` what all may cost."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    names = sorted(kinds)
    weights = [FAULTS[name].weight for name in names]
    left, at = budget * seconds * channels, QUIET_AT_FIRST
    free_at: dict[str, float] = {}
    steps: list[Step] = []
    while True:
        at += dice.uniform(0.3, 2 * mean - 0.3)
        (name,), channel = dice.choices(names, weights), dice.randrange(channels)
        fault = FAULTS[name]
        length = round(dice.uniform(*fault.seconds), 1)
        if at + length > seconds - QUIET_AT_LAST:
            return steps
        busy = _subjects(name, channel, channels)
        cost = fault.cost * (channels if fault.subject in OF_ALL_CHANNELS else 1)
        if cost > left or any(free_at.get(subject, 0.0) > at for subject in busy):
            continue
        left -= cost
        free_at |= dict.fromkeys(busy, at + length + fault.rest)
        steps.append(Step(round(at, 1), name, channel, length))
