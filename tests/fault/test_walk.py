"""The random fault walk of a fixed seed; longer and other ones by hand: python -m tests.fault.walk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulators import Emulators
from tests.fault.walk import run
from tests.fault.walker import Walk
from tests.numbered import NumberedMedia

SEED, SECONDS, CHANNELS = 3115, 180, 3


@pytest.mark.timeout(SECONDS + 180)
def test_a_walk_through_all_faults_loses_nothing_that_is_not_declared(
    tmp_path: Path, numbered: NumberedMedia, emulators: Emulators
) -> None:
    walk = Walk(seed=SEED, seconds=SECONDS, channels=CHANNELS, store="s3", state="dynamodb")
    outcome = run(walk, tmp_path, numbered, emulators.url("ministack"))
    print("\n".join(outcome.lines))

    assert outcome.failures == [], f"python -m tests.fault.walk --seed {SEED} --seconds {SECONDS} --channels {CHANNELS}"
