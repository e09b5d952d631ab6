"""The worker's side of the picture child, with the real program behind it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from services.domain.capture import ImagePlan
from services.worker.capture.attention import SILENT_LOOKS
from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.capture.pulse import LOOK_SECONDS
from services.worker.events import ClockSet, FileClosed, KeyframeSeen, MediaSeen, VideoSeen
from services.worker.pictures.asking import ChildLost
from services.worker.pictures.picture_child import BACKLOG_BYTES, PictureChild
from tests import media as pictures_of
from tests.media import RATE, Clip, Media
from tests.processes import children, command
from tests.worker.heard import Heard, until
from tests.worker.taps import tapped

pytestmark = pytest.mark.anyio

LONG = Clip(seconds=12, gop_seconds=10, sound=False)


def every(seconds: float | None) -> ImagePlan:
    return ImagePlan(seconds=seconds, quality=85)


@asynccontextmanager
async def picture_child(
    folder: Path, interval: float | None, *, all_packets: bool = True
) -> AsyncIterator[tuple[PictureChild, Heard]]:
    heard = Heard()
    child = PictureChild(folder=folder, images=every(interval), all_packets=all_packets, emit=heard)
    await child.start()
    try:
        yield child, heard
    finally:
        await child.end()


def processes() -> list[psutil.Process]:
    """Give the picture children of this process."""
    return [child for child in children() if "services.worker.pictures.picture" in command(child)]


async def running() -> psutil.Process:
    """Give the child once it is the program itself and no longer the one that starts it."""
    await until(lambda: len(processes()) == 1)
    return processes()[0]


async def feed_slowly(child: PictureChild, pieces: Iterable[bytes]) -> None:
    """Feed at four times the stream's speed, until cancelled."""
    for piece in pieces:
        child.feed(piece)
        await asyncio.sleep(1 / RATE / 4)


def pieces_of(media: Media, clip: Clip, tap: Tap = Tap.ALL) -> list[bytes]:
    return [piece for _, piece in tapped(media.file(clip), tap).pieces()]


async def test_what_the_child_says_becomes_events(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 2, all_packets=False) as (child, heard):
        child.feed(tapped(media.file(Clip()), Tap.KEYFRAMES).body)
        pictures = await heard.expect(FileClosed, 3)

    assert heard.of(VideoSeen) == [VideoSeen(video={"codec": "h264", "width": 320, "height": 180})]
    assert len(heard.of(ClockSet)) == 1
    assert [(picture.width, picture.height) for picture in pictures] == [(320, 180)] * 3
    assert all(picture.path.is_file() and picture.path.parent == tmp_path for picture in pictures)


async def test_media_is_seen_while_it_comes(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, None) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, LONG)))
        seen = await heard.expect(MediaSeen, 2)
        feeding.cancel()

    assert seen[1].pts > seen[0].pts


def off_the_grid(seconds: float) -> float:
    """Give by how much a time is after the nearest multiple of half a second."""
    return (seconds + 0.25) % 0.5 - 0.25


async def test_a_killed_child_is_replaced_on_the_same_clock(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 0.5) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=30, sound=False))))
        before = await heard.expect(FileClosed, 4)
        (await running()).send_signal(signal.SIGKILL)
        killed = time.monotonic()
        count = len(heard.of(FileClosed))
        after = await heard.expect(FileClosed, count + 2)
        resumed = time.monotonic() - killed
        arguments = command(await running())
        feeding.cancel()

    # With B-frames a picture is of a time up to four frames before the one at which it was due.
    late = [off_the_grid(picture.start - before[0].start) for picture in after]
    last = float(arguments[arguments.index("--last") + 1])
    assert off_the_grid(last - before[0].start) == pytest.approx(0, abs=0.001)
    assert resumed < 2
    assert len(heard.of(ClockSet)) == 1
    assert all(-4.5 / RATE < each < 0.5 / RATE for each in late), late
    assert len({picture.path for picture in after}) == len(after)


async def test_another_interval_leaves_the_clock_alone(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 600) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=30, sound=False))))
        await heard.expect(FileClosed)
        child.set_images(every(0.5))
        pictures = await heard.expect(FileClosed, 4)
        feeding.cancel()

    steps = [after.start - before.start for before, after in pairwise(pictures[1:])]
    assert sum(steps) / len(steps) == pytest.approx(0.5, abs=0.13)  # one may be late on a busy machine
    assert len(heard.of(ClockSet)) == 1


async def test_pictures_can_be_switched_off_and_on(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, None) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=30, sound=False))))
        await heard.expect(KeyframeSeen)
        child.set_images(every(1))
        await heard.expect(FileClosed, 2)
        feeding.cancel()

    assert len(heard.of(ClockSet)) == 1


async def test_all_settings_of_pictures_apply_to_the_running_child(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 600) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=30, sound=False))))
        fine = (await heard.expect(FileClosed))[0]
        process = await running()
        child.set_images(ImagePlan(seconds=0.5, quality=5, sizes=(32, 160)))
        coarse = (await heard.expect(FileClosed, 3))[2]
        assert process.is_running()
        feeding.cancel()

    assert (fine.sizes, [(each.width, each.path.exists()) for each in coarse.sizes]) == ((), [(32, True), (160, True)])
    assert coarse.path.stat().st_size < 0.7 * fine.path.stat().st_size


async def test_who_asks_for_a_picture_that_denies_the_parts_clock_has_it_taken_again(
    media: Media, tmp_path: Path
) -> None:
    async with picture_child(tmp_path, 600, all_packets=False) as (child, heard):
        child.feed(tapped(media.file(Clip(sound=False)), Tap.KEYFRAMES).body)
        (clock,) = await heard.expect(ClockSet)
        first = await child.snapshot(None)
        child.set_anchor(clock.anchor + 0.5)
        again = await child.snapshot(None)
        child.set_anchor(clock.anchor + 6)
        anew = await child.snapshot(None)
        pictures = await heard.expect(FileClosed, 3)

    assert (first.is_new, again.is_new, anew.is_new) == (True, False, True)
    assert first.pts == again.pts == anew.pts
    told = [picture.anchor for picture in pictures]
    assert told == pytest.approx([clock.anchor, clock.anchor, clock.anchor + 6])


async def test_a_child_that_is_killed_while_it_is_asked_has_a_successor_with_the_last_settings(
    media: Media, tmp_path: Path
) -> None:
    async with picture_child(tmp_path, 600) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=60, sound=False))))
        await heard.expect(FileClosed)
        child.set_images(ImagePlan(seconds=600, quality=85, sizes=(32,)))
        process = await running()
        process.suspend()
        asked = asyncio.create_task(child.snapshot(None))
        await until(lambda: child._asking._open != {})
        process.kill()
        with pytest.raises(ChildLost):
            await asked
        await child.is_back()
        shot = await child.snapshot(None)
        picture = heard.of(FileClosed)[-1]
        feeding.cancel()

    assert (shot.pts, shot.is_new) == (picture.start, True)
    assert [each.width for each in picture.sizes] == [32]


async def test_a_wedged_child_never_blocks_the_tap_and_is_replaced(media: Media, tmp_path: Path) -> None:
    pieces = pieces_of(media, Clip(seconds=30, sound=False))
    slowest = 0.0
    async with picture_child(tmp_path, 0.5) as (child, heard):
        for piece in pieces[:60]:
            child.feed(piece)
        await heard.expect(FileClosed)
        wedged = await running()
        wedged.suspend()
        for _ in range(BACKLOG_BYTES // (1024 * 1024) + 4):
            began = time.monotonic()
            child.feed(bytes(1024 * 1024))
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0)
        await until(lambda: [process.pid for process in processes()] not in ([], [wedged.pid]))
        count = len(heard.of(FileClosed))
        feeding = asyncio.create_task(feed_slowly(child, pieces[60:]))
        await heard.expect(FileClosed, count + 2)
        feeding.cancel()

    assert slowest < 0.1


async def test_no_child_is_left_at_the_end(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 2) as (child, _):
        child.feed(tapped(media.file(Clip())).body)
        pid = (await running()).pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_wedged_child_does_not_outlive_the_end(tmp_path: Path) -> None:
    async with picture_child(tmp_path, 2):
        wedged = await running()
        wedged.suspend()
        began = time.monotonic()

    assert time.monotonic() - began < 5
    assert not wedged.is_running()


async def test_an_end_that_meets_a_restart_ends_the_new_child_too(media: Media, tmp_path: Path) -> None:
    heard = Heard()
    child = PictureChild(folder=tmp_path, images=every(0.5), all_packets=True, emit=heard)
    await child.start()
    for piece in pieces_of(media, LONG)[:30]:
        child.feed(piece)
    await heard.expect(FileClosed, 2)
    (await running()).send_signal(signal.SIGKILL)
    await until(lambda: not processes())
    new = await running()
    async with asyncio.timeout(8):
        await child.end()

    assert not new.is_running()


@pytest.mark.parametrize(("codec", "form"), [("h264", "flv"), ("hevc", "mp4"), ("mpeg4", "mp4")])
async def test_a_child_replaced_within_a_gop_makes_no_picture_without_its_keyframe(
    media: Media, tmp_path: Path, codec: str, form: str
) -> None:
    clip = Clip(codec=codec, form=form, seconds=12, gop_seconds=10, sound=False)
    tap = tapped(media.file(clip))
    pieces = [piece for _, piece in tap.pieces()]
    pieces_fed_first = max(packet.pts for packet in tap.packets[:30])
    async with picture_child(tmp_path, 0.5) as (child, heard):
        for piece in pieces[:30]:
            child.feed(piece)
        await heard.expect(FileClosed, 2)
        killed = await running()
        killed.send_signal(signal.SIGKILL)
        await until(lambda: child._process is not None and child._process.pid != killed.pid)
        for piece in pieces[30:]:
            child.feed(piece)
        await child.end()
        taken = heard.of(FileClosed)

    frames = pictures_of.thumbs(media.file(clip))
    shown = pictures_of.picture_thumbs([picture.path for picture in taken])
    later = [picture.start for picture in taken if picture.start > pieces_fed_first]
    assert later[0] == pytest.approx(tap.keyframes[1].pts, abs=0.01)
    assert all(pictures_of.difference(thumb, frames[pictures_of.nearest(thumb, frames)]) < 3 for thumb in shown)


async def test_a_child_that_stops_answering_is_replaced_before_much_waits_for_it(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 0.5) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=60, sound=False))))
        await heard.expect(FileClosed)
        wedged = await running()
        wedged.suspend()
        began = time.monotonic()
        await until(lambda: [process.pid for process in processes()] not in ([], [wedged.pid]))
        count = len(heard.of(FileClosed))
        await heard.expect(FileClosed, count + 2)
        took = time.monotonic() - began
        feeding.cancel()

    assert took < 8
    assert len(heard.of(ClockSet)) == 1


async def test_a_child_that_is_fed_nothing_is_left_alone(media: Media, tmp_path: Path) -> None:
    async with picture_child(tmp_path, 0.5) as (child, heard):
        for piece in pieces_of(media, Clip(sound=False))[:30]:
            child.feed(piece)
        await heard.expect(FileClosed)
        first = await running()
        with pytest.raises(TimeoutError):
            await until(lambda: not first.is_running(), seconds=SILENT_LOOKS * LOOK_SECONDS + 2)


async def test_a_child_that_dies_before_it_told_the_time_has_a_successor_that_does(
    media: Media, tmp_path: Path
) -> None:
    pieces = pieces_of(media, LONG)
    async with picture_child(tmp_path, 0.5) as (child, heard):
        unborn = await running()
        unborn.suspend()
        for piece in pieces[:40]:
            child.feed(piece)
        unborn.kill()
        (clock,) = await heard.expect(ClockSet, seconds=3)
        pictures = await heard.expect(FileClosed, 2)

    assert clock.first == pytest.approx(0.0, abs=0.2)
    assert pictures[0].start == pytest.approx(clock.first, abs=0.2)


async def test_after_some_deaths_pictures_still_come_back_soon(media: Media, tmp_path: Path) -> None:
    took = []
    async with picture_child(tmp_path, 0.5) as (child, heard):
        feeding = asyncio.create_task(feed_slowly(child, pieces_of(media, Clip(seconds=60, sound=False))))
        await heard.expect(FileClosed)
        for _ in range(4):
            (await running()).kill()
            killed, count = time.monotonic(), len(heard.of(FileClosed))
            await heard.expect(FileClosed, count + 2)
            took.append(time.monotonic() - killed)
        feeding.cancel()

    assert max(took) < 2
