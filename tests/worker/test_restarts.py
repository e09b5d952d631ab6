from __future__ import annotations

import pytest

from services.worker.capture.restarts import GOOD_SECONDS, NOBODY_THERE_SECONDS, PAUSES, Restarts


def fail(restarts: Restarts, *, lasted: float = 1.0, had_media: bool = True, is_published: bool = True) -> float:
    return restarts.after(lasted=lasted, had_media=had_media, is_published=is_published)


def test_the_first_restart_is_at_once_and_later_ones_wait_ever_longer() -> None:
    restarts = Restarts()
    pauses = [fail(restarts) for _ in range(len(PAUSES) + 2)]

    assert pauses[0] == 0
    assert pauses[: len(PAUSES)] == sorted(set(pauses))
    assert pauses[-1] == pauses[-2] == PAUSES[-1]


def test_the_third_restart_in_a_row_is_still_within_two_seconds() -> None:
    restarts = Restarts()

    assert sum(fail(restarts) for _ in range(4)) < 2


@pytest.mark.parametrize("had_media", [True, False])
def test_after_a_good_run_the_next_restart_is_at_once(*, had_media: bool) -> None:
    restarts = Restarts()
    for _ in range(6):
        fail(restarts)
    fail(restarts, lasted=GOOD_SECONDS, had_media=had_media)

    assert fail(restarts) == 0


def test_a_run_that_waited_for_a_publisher_is_no_failure() -> None:
    restarts = Restarts()

    assert [fail(restarts, lasted=8.4, had_media=False, is_published=False) for _ in range(9)] == [0.0] * 9


def test_a_run_that_brought_media_and_was_short_is_a_failure_however_long_it_had_to_wait() -> None:
    restarts = Restarts()
    fail(restarts, lasted=8.4)

    assert fail(restarts, lasted=8.4) > 0


def test_while_nobody_publishes_no_pause_is_long() -> None:
    restarts = Restarts()
    pauses = [fail(restarts, lasted=0.1, had_media=False, is_published=False) for _ in range(20)]

    assert max(pauses) == NOBODY_THERE_SECONDS


def test_another_publishers_stream_begins_without_a_pause() -> None:
    restarts = Restarts()
    for _ in range(6):
        fail(restarts)
    restarts.begin_anew()

    assert fail(restarts) == 0
