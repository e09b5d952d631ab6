from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import times
from services.domain.clock import SystemClock

MILLISECONDS = st.integers(0, 250_000_000_000_000)


@given(MILLISECONDS)
def test_a_time_is_spelled_and_read_back(milliseconds: int) -> None:
    moment = times.utc(0) + timedelta(milliseconds=milliseconds)

    assert times.parse(times.text(moment)) == moment


@given(st.lists(MILLISECONDS, min_size=2))
def test_spelled_times_sort_as_times_do(many: list[int]) -> None:
    moments = [times.utc(0) + timedelta(milliseconds=milliseconds) for milliseconds in many]

    assert [times.parse(text) for text in sorted(map(times.text, moments))] == sorted(moments)


def test_a_time_is_spelled_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 20, 11, 30, 0, 7_999, tzinfo=timezone(timedelta(hours=1)))

    assert times.text(moment) == "2026-11-20T10:30:00.007Z"


def test_an_epoch_becomes_a_time_to_the_millisecond() -> None:
    assert times.utc(1_795_168_800.0074) == datetime(2026, 11, 20, 10, 0, 0, 7_000, tzinfo=UTC)


def test_a_date_is_its_first_moment_in_utc() -> None:
    assert times.parse("2030-12-09") == datetime(2030, 12, 9, tzinfo=UTC)


def test_a_time_elsewhere_is_given_in_utc() -> None:
    moment = times.parse("2030-12-09T02:00:00+02:00")

    assert (moment.hour, moment.tzinfo) == (0, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2030-13-01",
        "2030-12-09T00:00:00",
        "2030-12-09 00:00",
        "0001-01-01T00:00+01:00",
        "9999-12-31T23:59-01:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        times.parse(text)


def test_a_time_without_a_zone_is_never_spelled() -> None:
    with pytest.raises(ValueError, match="naive"):
        times.text(datetime(2030, 12, 9))  # noqa: DTZ001 - the case


def test_the_systems_clock_tells_aware_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
