"""The schedule is driven as the picture child drives it: each look that asks for a picture gets one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.pictures.picture_schedule import PATIENCE_SECONDS, Look, Schedule

Packet = tuple[float, bool]
"""PTS in seconds, and whether it is a keyframe."""


def stream(gops: Sequence[float], *, rate: float = 25, first: float = 0.08) -> list[Packet]:
    """Give every packet of a stream whose GOPs are so long."""
    packets, frame = [], 0
    for seconds in gops:
        for number in range(max(1, round(seconds * rate))):
            packets.append((first + frame / rate, number == 0))
            frame += 1
    return packets


def keyframes(packets: Sequence[Packet]) -> list[float]:
    return [pts for pts, is_keyframe in packets if is_keyframe]


def pictures(schedule: Schedule, packets: Sequence[Packet], *, all_packets: bool = True) -> list[float]:
    """Give the PTS of every picture taken; a tap of keyframes cannot decode the packets between."""

    def taken() -> Iterator[float]:
        for pts, is_keyframe in packets:
            look = schedule.look(pts, is_keyframe)
            if look is Look.DECODE_KEYFRAME or (look is Look.DECODE_UP_TO_HERE and all_packets):
                schedule.taken(pts)
                yield pts

    return list(taken())


def near(times: Sequence[float]) -> object:
    return pytest.approx(list(times), abs=0.041)


def test_no_interval_takes_no_picture() -> None:
    assert pictures(Schedule(interval=None), stream([2, 2])) == []


def test_half_a_second_between_pictures_and_two_between_keyframes() -> None:
    taken = pictures(Schedule(interval=0.5), stream([2] * 4))

    assert taken == near([0.08 + 0.5 * number for number in range(16)])


def test_pictures_as_often_as_keyframes_are_all_keyframes() -> None:
    packets = stream([2] * 10)

    assert pictures(Schedule(interval=2), packets) == keyframes(packets)


def test_pictures_rarer_than_keyframes_are_taken_from_keyframes() -> None:
    packets = stream([2] * 16)
    taken = pictures(Schedule(interval=10), packets)

    assert taken == near([0.08, 10.08, 20.08, 30.08])
    assert set(taken) <= set(keyframes(packets))


def test_a_keyframe_a_moment_after_the_picture_is_due_is_waited_for() -> None:
    packets = stream([2.08] * 6)  # due at 2, 4, ..., the keyframes come 0.08, 0.16, 0.24 later

    assert pictures(Schedule(interval=2), packets)[2:4] == keyframes(packets)[2:4]


def test_a_keyframe_tap_takes_the_first_keyframe_that_is_not_too_early() -> None:
    packets = [(0.0, True), (0.4, False), (4.0, True), (8.0, True), (9.0, False), (12.0, True), (16.0, True)]
    packets += [(20.0, True)]

    assert pictures(Schedule(interval=10), packets, all_packets=False) == [0.0, 12.0, 20.0]


def test_a_sparse_tap_asks_again_until_a_keyframe_comes() -> None:
    schedule = Schedule(interval=10)
    schedule.look(0.0, is_keyframe=True)
    schedule.taken(0.0)

    assert schedule.look(11.0, is_keyframe=False) is Look.DECODE_UP_TO_HERE
    assert schedule.look(11.2, is_keyframe=True) is Look.DECODE_KEYFRAME


def test_keyframes_that_come_more_often_all_of_a_sudden_do_not_bring_more_pictures() -> None:
    taken = pictures(Schedule(interval=2), stream([2, 2, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]))

    assert taken == near([0.08, 2.08, 4.08, 6.08])


def test_a_new_schedule_goes_on_from_the_last_picture() -> None:
    schedule = Schedule(interval=2, last=10.08)

    assert pictures(schedule, stream([2, 2, 2], first=10.4)) == near([12.08, 14.08, 16.08])


def test_after_a_hole_in_the_stream_one_picture_is_taken_and_the_grid_goes_on() -> None:
    packets = stream([2, 2]) + stream([2, 2], first=21.28)

    assert pictures(Schedule(interval=2), packets) == near([0.08, 2.08, 21.28, 22.08, 24.08])


@given(st.lists(st.floats(0, 3), min_size=1, max_size=20), st.integers(1, 19))
def test_a_schedule_that_begins_anew_goes_on_on_the_same_grid(steps: list[float], kept: int) -> None:
    """A frame that is given is of a time before its packet's, as far as a stream reorders."""
    once, anew, pts = Schedule(interval=0.5), Schedule(interval=0.5), 0.0
    for schedule in (once, anew):
        schedule.look(0.0, is_keyframe=True)
        schedule.taken(0.0)
    for number, step in enumerate(steps):
        pts += 0.5 + step
        place = anew.place(pts - 0.06)
        once.taken(pts - 0.06)
        anew.taken(pts - 0.06)
        if number == kept % len(steps):
            anew = Schedule(interval=0.5, last=place)
            anew.look(pts, is_keyframe=False)
    assert anew.place(pts + 3) == pytest.approx(once.place(pts + 3))


def test_a_picture_that_cannot_be_made_is_passed_over() -> None:
    schedule = Schedule(interval=2)
    looks = []
    for pts, is_keyframe in stream([2, 2]):
        looks.append((pts, schedule.look(pts, is_keyframe)))
        if looks[-1][1] is not Look.PASS:
            schedule.taken(pts)  # as the child does when it cannot decode

    assert [pts for pts, look in looks if look is not Look.PASS] == near([0.08, 2.08])


@given(
    interval=st.floats(0.5, 12),
    gops=st.lists(st.floats(0.2, 12), min_size=1, max_size=8),
    rate=st.sampled_from([10, 25, 30, 60]),
)
def test_there_are_never_more_pictures_than_dues(interval: float, gops: list[float], rate: int) -> None:
    packets = stream(gops, rate=rate)
    taken = pictures(Schedule(interval=interval), packets)

    assert all(pts - taken[0] >= (number - 0.05) * interval - 1e-6 for number, pts in enumerate(taken))
    assert taken[0] == packets[0][0]


@given(
    interval=st.floats(0.5, 12),
    gop=st.floats(0.2, 12),
    rate=st.sampled_from([10, 25, 30, 60]),
)
def test_with_a_steady_gop_every_due_gets_its_picture_in_time(interval: float, gop: float, rate: int) -> None:
    packets = stream([gop] * 6, rate=rate)
    taken = pictures(Schedule(interval=interval), packets)
    first, last = packets[0][0], packets[-1][0]
    slack = min(PATIENCE_SECONDS, 0.25 * interval) + 2 / rate
    wanted = int((last - first - slack) / interval) + 1 if last - first > slack else 1

    assert len(taken) >= wanted
    for number in range(wanted):
        assert -0.05 * interval - 1e-6 <= taken[number] - (first + number * interval) <= slack


@given(interval=st.floats(0.5, 12), gops=st.lists(st.floats(0.2, 12), min_size=1, max_size=8))
def test_a_keyframe_tap_takes_only_keyframes(interval: float, gops: list[float]) -> None:
    packets = stream(gops)

    assert set(pictures(Schedule(interval=interval), packets, all_packets=False)) <= set(keyframes(packets))


def test_a_gop_that_grows_does_not_hold_pictures_back() -> None:
    packets = stream([2, 2, 10, 10])
    taken = pictures(Schedule(interval=2), packets)

    assert len(taken) == 12
    assert all(-0.1 <= pts - (0.08 + 2 * number) <= PATIENCE_SECONDS + 0.08 for number, pts in enumerate(taken))


@given(
    interval=st.floats(0.5, 12),
    gops=st.lists(st.floats(0.2, 12), min_size=1, max_size=8),
    rate=st.sampled_from([10, 25, 30, 60]),
)
def test_whatever_the_gops_do_every_due_gets_its_picture_in_time(interval: float, gops: list[float], rate: int) -> None:
    packets = stream(gops, rate=rate)
    taken = pictures(Schedule(interval=interval), packets)
    slack = 2 * min(PATIENCE_SECONDS, 0.25 * interval) + 2 / rate

    for number, pts in enumerate(taken):
        assert -0.05 * interval - 1e-6 <= pts - (packets[0][0] + number * interval) <= slack


def begun(schedule: Schedule, packets: Sequence[Packet]) -> list[tuple[float, float]]:
    """Drive it as the camera does between keyframes; give each picture with the keyframe before it."""
    keyframe, found = 0.0, []
    for pts, is_keyframe in packets:
        keyframe = pts if is_keyframe else keyframe
        if schedule.look(pts, is_keyframe) is Look.DECODE_KEYFRAME:
            schedule.taken(pts)
        between = schedule.between()
        if not is_keyframe and between is not None and pts >= max(between):
            schedule.taken(pts)
            found.append((keyframe, pts))
    return found


def test_what_lies_between_keyframes_is_decoded_only_where_they_come_too_rarely() -> None:
    assert begun(Schedule(interval=10), stream([3] * 12)) == []
    assert begun(Schedule(interval=2), stream([2] * 6)) == []
    assert [pts for _, pts in begun(Schedule(interval=2), stream([6, 6]))] == near([2.08, 4.08, 8.08, 10.08])


def test_the_choice_between_keyframes_and_what_is_between_follows_the_gop() -> None:
    found = begun(Schedule(interval=2), stream([1, 1, 1, 1, 8, 8, 1, 1, 1, 1, 1, 1]))

    assert [keyframe for keyframe, _ in found] == near([4.08] * 3 + [12.08] * 3)


def test_a_picture_is_begun_only_on_the_way_to_its_due_time() -> None:
    schedule = Schedule(interval=4)
    schedule.look(0.0, is_keyframe=True)
    schedule.taken(0.0)

    assert schedule.between() == (3.0, 4.0)


def test_another_interval_counts_from_the_last_picture_or_from_now() -> None:
    schedule = Schedule(interval=600)
    schedule.look(0.0, is_keyframe=True)
    schedule.taken(0.0)
    schedule.change(2)
    later = [pts for pts, _ in stream([30], first=7.0) if schedule.look(pts, is_keyframe=False) is not Look.PASS]
    schedule.taken(7.0)

    assert later[0] == 7.0
    assert schedule.between() == (6.75, 9.0)


def test_the_achieved_interval_is_the_mean_of_the_last_ones() -> None:
    schedule = Schedule(interval=2)
    achieved = []
    for pts, _ in stream([3] * 14, rate=1):
        if schedule.look(pts, is_keyframe=pts % 3 < 1) is Look.DECODE_KEYFRAME:
            schedule.taken(pts)
            achieved.append(schedule.achieved())

    assert achieved[0] is None
    assert achieved[-1] == pytest.approx(3)
