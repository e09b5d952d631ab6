from __future__ import annotations

from services.puller.backoff import Backoff


def test_the_pauses_double_up_to_a_quarter_of_a_minute() -> None:
    backoff = Backoff()

    assert [backoff.after(0) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_after_a_good_run_the_source_is_tried_at_once_again() -> None:
    backoff = Backoff()
    for _ in range(7):
        backoff.after(0)

    assert backoff.after(60) == 0.5
    assert backoff.after(3) == 1
