from __future__ import annotations

from services.runtime.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    pauses = Backoff(0.5, 15, 10)

    assert [pauses.after(0) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_a_life_that_was_long_enough_begins_the_pauses_anew() -> None:
    pauses = Backoff(0.2, 5, 30)
    pauses.after(0)

    assert pauses.after(29.9) == 0.4
    assert pauses.after(30) == 0.2
    assert pauses.after(3) == 0.4


def test_another_thing_begins_with_the_shortest_pause() -> None:
    pauses = Backoff(1, 8, 30)
    pauses.after(0)
    pauses.begin_anew()

    assert pauses.after(0) == 1
