from __future__ import annotations

import pytest

from services.puller.pace import Pace
from services.puller.timeline import FRAME, SECOND, TICK, Timeline

PICTURE, SOUND = 0, 1


def placed(line: Timeline, stream: int, *times: float) -> list[float | None]:
    """Place packets that come when they are due; times are seconds."""
    outs = [line.place(stream, int(at * SECOND), int(at * SECOND)) for at in times]
    return [None if out is None else out / SECOND for out in outs]


def test_the_line_begins_at_nought_whatever_the_source_counts() -> None:
    assert placed(Timeline(), PICTURE, 1000, 1000.04, 1000.08) == [0, 0.04, 0.08]


def test_streams_stay_together() -> None:
    line = Timeline()
    placed(line, PICTURE, 1000)

    assert placed(line, SOUND, 1000.02) == [0.02]


def test_what_comes_from_before_the_beginning_is_left_out() -> None:
    line = Timeline()
    placed(line, PICTURE, 1000)

    assert placed(line, SOUND, 999.5, 1000.1) == [None, 0.1]


def test_a_source_that_begins_to_count_anew_goes_on_after_the_time_that_has_passed() -> None:
    line = Timeline()
    line.place(PICTURE, 500 * SECOND, 0)
    line.place(PICTURE, 501 * SECOND, SECOND)

    assert line.place(PICTURE, 0, 4 * SECOND) == 4 * SECOND
    assert line.place(PICTURE, SECOND, 5 * SECOND) == 5 * SECOND
    assert line.jumps == 1


@pytest.mark.parametrize("to", [0, 86_400, 2**33 / 90_000])
def test_a_jump_without_a_pause_leaves_one_frame_of_time(to: float) -> None:
    line = Timeline()
    line.place(PICTURE, 500 * SECOND, 0)

    assert line.place(PICTURE, int(to * SECOND), 0) == FRAME


def test_the_second_stream_that_jumps_takes_the_shift_of_the_first() -> None:
    line = Timeline()
    line.place(PICTURE, 500 * SECOND, 0)
    line.place(SOUND, 500 * SECOND, 0)

    picture = line.place(PICTURE, 0, 0)
    late_sound = line.place(SOUND, 500 * SECOND + 20_000, 0)
    sound = line.place(SOUND, 10_000, 0)

    assert (picture, late_sound) == (FRAME, 20_000)
    assert sound == FRAME + 10_000
    assert line.jumps == 1


def test_a_pause_of_the_source_is_kept_as_it_is() -> None:
    line = Timeline()
    line.place(PICTURE, 0, 0)

    assert line.place(PICTURE, 30 * SECOND, 30 * SECOND) == 30 * SECOND
    assert line.jumps == 0


def test_each_streams_times_rise() -> None:
    line = Timeline()
    line.place(PICTURE, SECOND, 0)

    assert line.place(PICTURE, SECOND, 0) == TICK
    assert line.place(PICTURE, SECOND - 20_000, 0) == 2 * TICK


def test_what_comes_in_a_lump_is_published_as_it_plays() -> None:
    pace = Pace()

    assert [pace.wait(media, now=100) for media in (5, 6, 7)] == [0, 1, 2]


def test_a_short_delay_is_caught_up_with() -> None:
    pace = Pace()
    pace.wait(0, now=100)

    assert [pace.wait(media, now=103) for media in (1, 2.5, 4)] == [0, 0, 1]


def test_after_a_long_delay_the_pace_begins_anew() -> None:
    pace = Pace()
    pace.wait(0, now=100)

    assert pace.wait(1, now=111) == 0
    assert pace.wait(2, now=111) == 1


def test_a_hole_in_the_media_is_not_waited_out() -> None:
    pace = Pace()
    pace.wait(0, now=100)

    assert pace.wait(20, now=100) == 0
    assert pace.wait(21, now=100) == 1
