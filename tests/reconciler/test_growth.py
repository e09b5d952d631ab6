"""A sweep's cost grows with what is on air and with nothing else; `tests.reconciler.growth` prints the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulators import Emulators
from tests.reconciler.growth import EMULATOR, Cost, measured
from tests.reconciler.world.quiet import quiet


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with quiet():
        yield


@pytest.fixture
def few(emulators: Emulators) -> Cost:
    return measured(emulators.url(EMULATOR), 20)


def test_a_sweep_that_finds_all_well_reads_a_fixed_number_of_items_for_each_channel_and_writes_none(
    emulators: Emulators, few: Cost
) -> None:
    many = measured(emulators.url(EMULATOR), 200)

    assert many.read_units / many.live <= few.read_units / few.live <= 2.5
    assert many.state_calls <= few.state_calls * 10
    assert (few.writes, many.writes) == (0, 0)


def test_channels_that_are_not_on_air_and_sessions_that_have_ended_cost_a_sweep_nothing(
    emulators: Emulators, few: Cost
) -> None:
    beside_idle = measured(emulators.url(EMULATOR), 20, idle=200)

    assert (beside_idle.state_calls, beside_idle.read_units) == (few.state_calls, few.read_units)
    assert beside_idle.platform_calls == few.platform_calls
