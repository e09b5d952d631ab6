"""A walk is a pure function of its seed, and fair."""

from __future__ import annotations

from itertools import pairwise

from tests.fault.faults import FAULTS, OF_ALL_CHANNELS
from tests.fault.schedule import LOSS_BUDGET, QUIET_AT_FIRST, QUIET_AT_LAST, schedule

SECONDS, CHANNELS = 1800.0, 3


def test_the_same_seed_gives_the_same_walk_and_another_seed_another() -> None:
    first, second, other = (schedule(seed, SECONDS, CHANNELS, list(FAULTS)) for seed in (7, 7, 8))

    assert first == second != other


def test_a_walk_meets_every_fault_of_its_list() -> None:
    met = {step.fault for seed in range(3) for step in schedule(seed, SECONDS, CHANNELS, list(FAULTS))}

    assert met == set(FAULTS)


def test_a_walk_costs_no_more_than_may_be_lost() -> None:
    for seed in range(20):
        steps = schedule(seed, SECONDS, CHANNELS, list(FAULTS))
        hits = [(FAULTS[step.fault], step) for step in steps]
        cost = sum(fault.cost * (CHANNELS if fault.subject in OF_ALL_CHANNELS else 1) for fault, _ in hits)
        assert cost <= LOSS_BUDGET * SECONDS * CHANNELS


def test_a_walk_is_quiet_at_both_ends_and_in_order() -> None:
    steps = schedule(1, SECONDS, CHANNELS, list(FAULTS))

    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps[0].at >= QUIET_AT_FIRST
    assert max(step.at + step.seconds for step in steps) <= SECONDS - QUIET_AT_LAST


def test_no_fault_begins_while_another_holds_the_same_subject() -> None:
    steps = schedule(3, SECONDS, CHANNELS, list(FAULTS))
    for subject in {fault.subject for fault in FAULTS.values()} & OF_ALL_CHANNELS:
        held = [step for step in steps if FAULTS[step.fault].subject == subject]
        for before, after in pairwise(held):
            assert after.at >= before.at + before.seconds
