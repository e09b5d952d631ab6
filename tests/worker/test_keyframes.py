from __future__ import annotations

import asyncio

import pytest

from services.worker.events import KeyframeSeen
from services.worker.pictures.keyframes import Keyframes

pytestmark = pytest.mark.anyio


def seen(pts: float, digest: str = "") -> KeyframeSeen:
    """Give a keyframe that arrived at once, at a worker whose clock began at 1000."""
    return KeyframeSeen(pts=pts, at=1000 + pts, digest=digest or str(pts))


def some(*keyframes: KeyframeSeen) -> Keyframes:
    found = Keyframes()
    for keyframe in keyframes:
        found.add(keyframe)
    return found


def test_the_same_content_is_the_same_keyframe_whatever_the_clock_of_the_part() -> None:
    ours = some(seen(2), seen(4), seen(6))

    assert ours.same_as(KeyframeSeen(pts=0.08, at=1004.01, digest="4")) == seen(4)


def test_of_pictures_that_stand_still_the_one_that_came_at_the_same_time_is_meant() -> None:
    ours = some(*(seen(float(number), "black") for number in range(10)))

    assert ours.same_as(KeyframeSeen(pts=0, at=1005.2, digest="black")) == seen(5, "black")


def test_content_that_came_long_before_is_another_keyframe() -> None:
    assert some(seen(2, "black")).same_as(KeyframeSeen(pts=0, at=1009, digest="black")) is None


def test_the_next_keyframe_from_a_time_on_may_be_exactly_there() -> None:
    ours = some(seen(2), seen(4), seen(6))

    assert (ours.from_(4.0004), ours.from_(4.1), ours.from_(7)) == (seen(4), seen(6), None)


async def test_a_keyframe_that_is_not_there_yet_is_waited_for() -> None:
    ours = some(seen(2))
    asyncio.get_running_loop().call_later(0.05, ours.add, seen(4))

    assert await ours.soon(lambda: ours.from_(3), seconds=5) == seen(4)


async def test_a_keyframe_that_does_not_come_is_waited_for_no_longer() -> None:
    ours = some(seen(2))

    assert await ours.soon(lambda: ours.from_(3), seconds=0.05) is None


async def test_one_keyframe_after_the_other_is_given_once() -> None:
    ours = some(seen(2))
    first = await ours.after(None)
    asyncio.get_running_loop().call_later(0.05, ours.add, seen(4))

    assert (first, await ours.after(first)) == (seen(2), seen(4))
