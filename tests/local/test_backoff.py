from __future__ import annotations

from services.local.backoff import Backoff


def test_pauses_double_up_to_five_seconds() -> None:
    pauses = Backoff()

    assert [pauses.after(0) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_life_of_half_a_minute_begins_the_pauses_anew() -> None:
    pauses = Backoff()
    pauses.after(0)
    pauses.after(29.9)

    assert pauses.after(30) == 0.2
