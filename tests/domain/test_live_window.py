"""The live window: a run without a hole, only what is in the store, never back."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.live_window import FULL_TARGETS, LiveWindow
from services.domain.playlist import Segment
from services.domain.whole_list import WholeList
from tests.examples import NOW

TARGET = 3


def a_segment(number: int, *, seconds: float = 2.0, part: int = 0) -> Segment:
    return Segment(
        uri=f"{number}.ts",
        seconds=seconds,
        program_date_time=NOW + timedelta(seconds=2 * number),
        media_sequence=number,
        discontinuity_sequence=part,
    )


def window(*numbers: int, size: int = 3, given_up_to: int | None = None) -> LiveWindow:
    found = LiveWindow(size=size, last=-1)
    if given_up_to is not None:
        found.given(given_up_to)
    for number in numbers:
        found.arrived(a_segment(number))
        found.advance(TARGET)
    return found


def named(found: LiveWindow) -> list[int]:
    return [segment.media_sequence for segment in found.named]


def test_what_comes_next_is_named_at_once() -> None:
    assert named(window(0)) == [0]


def test_the_window_slides() -> None:
    assert named(window(0, 1, 2, 3, 4)) == [2, 3, 4]


def test_what_arrives_early_waits_for_the_one_before_it() -> None:
    assert named(window(0, 2, 3)) == [0]
    assert named(window(0, 2, 3, 1)) == [1, 2, 3]


def test_what_waits_behind_the_newest_is_passed_over() -> None:
    assert named(window(0, 7, 8, given_up_to=9)) == [0]
    assert named(window(0, 7, 8, 9, given_up_to=9)) == [7, 8, 9]


def test_a_run_that_is_too_short_for_a_player_is_not_jumped_to() -> None:
    found = window(0, 20, given_up_to=20)
    assert named(found) == [0]


def test_history_that_arrives_after_a_jump_is_not_named() -> None:
    assert named(window(0, 7, 8, 9, 1, 2, 3, 4, 5, 6, 10, given_up_to=9)) == [8, 9, 10]


def test_a_hole_is_jumped_over() -> None:
    found = window(0, 1)
    found.dropped(2)
    for number in (3, 4, 5):
        found.arrived(a_segment(number))
        found.advance(TARGET)

    assert named(found) == [3, 4, 5]


def test_at_the_end_the_newest_run_is_named_however_short() -> None:
    found = window(0, 1)
    found.dropped(2)
    found.arrived(a_segment(3))
    found.advance(TARGET)
    assert named(found) == [0, 1]

    found.end(TARGET)
    assert named(found) == [3]


Event = tuple[str, int]


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, int, list[int], list[Event]]:
    """Give a window's size, the first number, the part of each number, and what becomes of each, in any order."""
    first, count = draw(st.integers(0, 5)), draw(st.integers(1, 40))
    parts = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    lost = draw(st.sets(st.integers(0, count - 1), max_size=count // 2))
    # A number is given in order; what becomes of it comes at any time after that.
    pending: list[int] = []
    events: list[Event] = []
    upcoming = list(range(count))
    while upcoming or pending:
        if upcoming and (not pending or draw(st.booleans())):
            pending.append(upcoming.pop(0))
            events.append(("given", first + pending[-1]))
        else:
            number = pending.pop(draw(st.integers(0, len(pending) - 1)))
            events.append(("dropped" if number in lost else "arrived", first + number))
    return draw(st.integers(3, 8)), first, [sum(parts[: at + 1]) for at in range(count)], events


@settings(max_examples=400, deadline=None)
@given(histories())
def test_whatever_arrives_or_is_dropped_the_window_has_no_hole_and_never_goes_back(
    history: tuple[int, int, list[int], list[Event]],
) -> None:
    size, first, parts, events = history
    found, stored, lost = LiveWindow(size=size, last=first - 1), set[int](), set[int]()
    before: list[int] = []
    newest = -1
    for what, number in events:
        newest = max(newest, number)
        if what == "given":
            found.given(number)
        elif what == "dropped":
            lost.add(number)
            found.dropped(number)
        else:
            stored.add(number)
            found.arrived(a_segment(number, part=parts[number - first]))
        moved = found.advance(TARGET)
        numbers = named(found)

        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else not before
        assert set(numbers) <= stored
        assert len(numbers) <= size
        assert numbers[:1] >= before[:1]
        assert numbers[-1:] >= before[-1:]
        assert moved == (numbers[-1:] > before[-1:])
        if before and numbers[0] > before[-1] + 1:  # it jumped
            # What was waited for may come at the very moment at which the hole behind it lets the window jump.
            passed = next(each for each in itertools.count(before[-1] + 1) if each not in stored)
            assert passed in lost or passed <= newest - size
            assert len(numbers) == size or 2.0 * len(numbers) >= FULL_TARGETS * TARGET
        before = numbers
    found.end(TARGET)
    if stored:
        assert found.last == max(stored)
        assert named(found)[-1] == max(stored)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_whatever_arrives_or_is_dropped_the_whole_list_only_grows_and_ends_with_all(
    history: tuple[int, int, list[int], list[Event]],
) -> None:
    _, first, parts, events = history
    found, stored, before = WholeList(following=first), set[int](), list[Segment]()
    for what, number in events:
        if what == "dropped":
            found.dropped(number)
        elif what == "arrived":
            stored.add(number)
            found.arrived(a_segment(number, part=parts[number - first]))

        assert found.named[: len(before)] == before
        assert {segment.media_sequence for segment in found.named} <= stored
        before = list(found.named)

    assert [segment.media_sequence for segment in found.named] == sorted(stored)
    for earlier, later in zip(found.named, found.named[1:], strict=False):
        assert later.after_hole == (later.media_sequence > earlier.media_sequence + 1)
