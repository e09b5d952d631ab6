"""A jump of the timestamps is told from late packets, reordered frames and few of them; drift is measured."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from services.worker.pictures.media_clock import DRIFT_SECONDS, Jump, MediaClock, opening_anchor


def heard(clock: MediaClock, arrivals: Iterable[tuple[float, float]]) -> list[Jump]:
    """Give the jumps that are found in packets of (PTS, time of arrival)."""
    return [jump for pts, at in arrivals if (jump := clock.arrive(pts, at)) is not None]


def steadily(seconds: float, *, rate: float = 25, by: float = 0.0, since: float = 0.0) -> list[tuple[float, float]]:
    times = [since + number / rate for number in range(round(seconds * rate))]
    return [(time + by, time) for time in times]


@pytest.mark.parametrize("by", [1.5, 3.0, 3600.0])
def test_timestamps_that_are_set_forward_are_a_jump_where_it_happened(by: float) -> None:
    (jump,) = heard(MediaClock(0.0), [*steadily(5), *steadily(2, by=by, since=5)])

    assert (jump.until, jump.seconds) == pytest.approx((5.0, by))


def test_a_jump_is_told_once_and_its_packets_are_in_doubt_until_then() -> None:
    clock = MediaClock(0.0)
    assert not heard(clock, steadily(5))

    assert not heard(clock, steadily(0.04, by=3, since=5))
    assert clock.is_in_doubt
    assert len(heard(clock, steadily(3, by=3, since=5.04))) == 1


def test_packets_that_were_held_up_and_come_at_once_are_no_jump() -> None:
    held_up = [(time, 8.0) for time, _ in steadily(3, since=5)]

    assert not heard(MediaClock(0.0), [*steadily(5), *held_up, *steadily(5, since=8)])


def test_slides_that_were_held_up_are_no_jump() -> None:
    slides = [(number * 3.3, number * 3.3) for number in range(6)]
    held_up = [(number * 3.3, 40.0) for number in range(6, 12)]

    assert not heard(MediaClock(0.0), [*slides, *held_up])


def test_frames_that_are_shown_long_before_those_sent_earlier_are_no_jump() -> None:
    shown = [0.0, 9.9, 3.3, 6.6, 19.8, 13.2, 16.5]

    assert not heard(MediaClock(0.0), [(pts, number * 3.3) for number, pts in enumerate(shown)])


def test_media_that_runs_fast_is_no_jump_but_a_drift() -> None:
    clock = MediaClock(0.0)
    fast = [(time * 1.02, time) for time, _ in steadily(100, rate=5)]

    assert not heard(clock, fast)
    assert clock.drift == pytest.approx(2.0, abs=0.05)


def test_media_that_falls_behind_is_a_drift_below_nothing() -> None:
    clock = MediaClock(0.0)
    heard(clock, [(time * 0.98, time) for time, _ in steadily(100, rate=5)])

    assert clock.drift == pytest.approx(-2.0 + 0.02 * DRIFT_SECONDS, abs=0.05)


def test_a_network_that_holds_packets_up_is_no_drift() -> None:
    clock = MediaClock(0.0)
    heard(clock, [(pts, at + (number % 5) * 0.3) for number, (pts, at) in enumerate(steadily(30, rate=5))])

    assert clock.drift == pytest.approx(0.0)


def test_an_anchor_may_be_moved_to_the_least_lateness_so_far() -> None:
    clock = MediaClock(100.0)
    heard(clock, [(0.0, 100.4), (0.2, 100.1), (0.4, 100.5)])

    assert clock.settled() == pytest.approx(99.9)
    assert clock.drift == pytest.approx(0.0, abs=0.01)


def test_the_least_late_of_the_first_packets_tells_the_time() -> None:
    assert opening_anchor([100.4, 97.1, 99.0]) == 97.1


def test_a_jump_among_the_first_packets_tells_nothing_of_the_time() -> None:
    assert opening_anchor([100.4, 100.1, -3500.0]) == 100.1
