"""Whatever happens, in whatever order: in the end sessions, tasks and publishers agree."""

from __future__ import annotations

import time

from tests.reconciler.walk import table, walked
from tests.reconciler.world.sequence import EVENTS

SEQUENCES = 1_000


def test_a_thousand_sequences_of_faults_all_end_in_agreement() -> None:
    began = time.monotonic()

    outcomes = walked(0, SEQUENCES)

    told = table(outcomes, time.monotonic() - began)
    print(told)
    assert not [outcome.seed for outcome in outcomes if outcome.problem is not None], told
    assert set().union(*(outcome.events for outcome in outcomes)) == {event.__name__ for _, event in EVENTS}


def test_a_sequence_is_the_same_again_with_the_same_seed() -> None:
    assert walked(7, 1) == walked(7, 1)
