"""Who asks for a picture at the same time shares it; a burst is one at a time."""

from __future__ import annotations

import asyncio

import pytest

from services.worker import asks as asks_module
from services.worker.asks import Asks, TooManyAsks
from services.worker.burst import BurstRuns, Bursts
from services.worker.capture.snapshots import why_not
from services.worker.taking import NothingToTake, NotNow, Taken
from tests.doubles.shutter import Shutter
from tests.examples import a_picture

pytestmark = pytest.mark.anyio


async def several(asks: Asks, ages: list[float | None]) -> list[asyncio.Task[Taken]]:
    """Begin asks in this order, and let each come to where it waits."""
    tasks = [asyncio.ensure_future(asks.take(age)) for age in ages]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_while_a_picture_is_taken_share_the_next_one() -> None:
    shutter = Shutter(a_picture())
    shutter.open.clear()
    tasks = await several(Asks(shutter), [0.0] * 10)
    shutter.open.set()

    taken = await asyncio.gather(*tasks)

    assert shutter.asked == [0.0, 0.0]  # the first, and one for the nine who came after it had begun
    assert len({each.artifact.captured_at for each in taken}) == 2
    assert [each.created for each in taken] == [True, True] + [False] * 8


async def test_nobody_is_given_an_older_picture_than_was_asked_for() -> None:
    shutter = Shutter(a_picture())
    shutter.open.clear()
    tasks = await several(Asks(shutter), [1.0, 10.0, 0.5])
    shutter.open.set()

    await asyncio.gather(*tasks)

    assert shutter.asked == [1.0, 10.0, 0.5]


async def test_a_keyframe_does_not_wait_for_a_frame_that_is_decoded() -> None:
    shutter = Shutter(a_picture())
    asks = Asks(shutter)
    shutter.open.clear()
    (frame,) = await several(asks, [0.0])
    (keyframe,) = await several(asks, [None])

    assert shutter.asked == [0.0, None]

    shutter.open.set()
    await asyncio.gather(frame, keyframe)


async def test_whoever_comes_when_too_many_wait_is_sent_away() -> None:
    shutter = Shutter(a_picture())
    asks = Asks(shutter)
    shutter.open.clear()
    tasks = await several(asks, [None] * asks_module.MOST_WAITING)

    with pytest.raises(TooManyAsks):
        await asks.take(None)

    shutter.open.set()
    await asyncio.gather(*tasks)
    assert (await asks.take(None)).created is False


async def test_a_burst_takes_all_its_pictures_and_leaves_out_what_cannot_be_had() -> None:
    shutter = Shutter(a_picture())
    bursts = Bursts(Asks(shutter))

    first, _ = await bursts.begin(3, 0.2)
    with pytest.raises(BurstRuns, match="another burst"):
        await bursts.begin(2, 0.2)
    shutter.refusal = "the publisher has left"
    await bursts.done()

    assert first.created
    assert shutter.asked == [0.1, 0.1, 0.1]
    with pytest.raises(NothingToTake):
        await bursts.begin(2, 0.2)
    shutter.refusal = ""
    await bursts.begin(2, 0.2)
    await bursts.close()


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("busy", NotNow, "too many"),
        ("child_lost", NotNow, "was lost"),
        ("not_started", NotNow, "just beginning"),
        ("no_video", NothingToTake, "no video"),
        ("of_tomorrow", NothingToTake, "of_tomorrow"),
    ],
)
async def test_what_passes_is_told_apart_from_what_is_so(code: str, kind: type[Exception], told: str) -> None:
    error = why_not(code)

    assert type(error) is kind
    assert told in str(error)
