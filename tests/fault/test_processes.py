"""Rows "ffmpeg killed or wedged", "worker killed" (and hung), "picture child", "SIGTERM to the worker"."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.fault.limits import allowed
from tests.fault.stories import RATE, Stories, Told, events, gone, replaced
from tests.fault.world import Air, World, a_world
from tests.numbered import TICKS_PER_SECOND, NumberedClip, NumberedMedia
from tests.rtmp import VIDEO
from tests.verifier import media
from tests.waiting import eventually

LEASE_SECONDS = 6
GOP_SECONDS = 2
SPARE_SECONDS = allowed(0.5)  # frames are lost whole, and clocks are read by several processes
LONG_GOP = NumberedClip(gop_seconds=GOP_SECONDS)
POISONED = NumberedClip(extra=("-tune", "zerolatency"))  # a file of its own
POISONED_SECONDS = (7.0, 11.0)
IDR_SLICE = 5


def _ffmpeg(air: Air) -> Callable[[], psutil.Process | None]:
    return lambda: air.world.find("ffmpeg", "segment_list", air.id)


def _worker(air: Air) -> Callable[[], psutil.Process | None]:
    return lambda: air.world.find("services.worker", "--channel", air.id)


def _picture_child(air: Air) -> Callable[[], psutil.Process | None]:
    session = str(air.session["id"])
    return lambda: air.world.find("services.worker.pictures.picture", session)


def _wait(seconds: float) -> None:
    """Let a broadcast go on for a while."""
    threading.Event().wait(seconds)


def _harmed(
    world: World,
    process: Callable[[Air], Callable[[], psutil.Process | None]],
    strike: Callable[[psutil.Process], None],
    clip: NumberedClip = LONG_GOP,
    **fields: object,
) -> Told:
    """Do something to a process amid a broadcast, and let it go on for some segments."""
    air = world.air(clip, **fields)
    air.until_segments(3)
    part = 0 if process is _picture_child else 1
    struck = time.monotonic()
    figures = {"replaced": replaced(process(air), strike)}
    eventually(lambda: air.watcher.newest_part >= part, within=20, what="a segment of what comes after")
    figures["first new segment"] = time.monotonic() - struck
    air.until_segments(2)
    air.end()
    return Told(air, figures)


def ffmpeg_is_killed(world: World) -> Told:
    return _harmed(world, _ffmpeg, psutil.Process.kill)


def ffmpeg_is_wedged(world: World) -> Told:
    return _harmed(world, _ffmpeg, psutil.Process.suspend)


def ffmpeg_is_killed_again_and_again(world: World) -> Told:
    air = world.air()
    air.until_segments(3)
    figures = {}
    for turn in range(3):
        figures[f"replaced {turn}"] = replaced(_ffmpeg(air), psutil.Process.kill)
        air.until_segments(1)
    _wait(11)  # a good run
    figures["replaced after a good run"] = replaced(_ffmpeg(air), psutil.Process.kill)
    air.until_segments(2)
    air.end()
    return Told(air, figures)


def worker_is_killed(world: World) -> Told:
    return _harmed(world, _worker, psutil.Process.kill)


def worker_hangs(world: World) -> Told:
    return _harmed(world, _worker, psutil.Process.suspend)


def picture_child_is_killed(world: World) -> Told:
    return _harmed(world, _picture_child, psutil.Process.kill, NumberedClip(), image_time=1)


def picture_child_is_wedged(world: World) -> Told:
    return _harmed(world, _picture_child, psutil.Process.suspend, NumberedClip(), image_time=1)


def keyframes_cannot_be_decoded(world: World) -> Told:
    """Broadcast a clip of which two keyframes have slices of nonsense."""
    _poison(world.clip(POISONED))
    air = world.air(POISONED, image_time=1)
    _wait(max(0.0, air.broadcaster.began + POISONED_SECONDS[-1] + 4 - time.time()))
    air.end()
    return Told(air)


def _poison(clip: Path) -> None:
    """Overwrite all but the first byte of some keyframes' slices with 0xFF, which is no slice of a keyframe."""
    data, at, wanted = bytearray(clip.read_bytes()), 9 + 4, [seconds * 1000 for seconds in POISONED_SECONDS]
    while wanted and at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        moment, body = int.from_bytes(data[at + 4 : at + 7], "big"), at + 11
        if data[at] == VIDEO and data[body : body + 2] == b"\x17\x01" and moment >= wanted[0]:
            wanted.pop(0)
            unit = body + 5
            while unit < body + size:
                length = int.from_bytes(data[unit : unit + 4], "big")
                if data[unit + 4] & 0x1F == IDR_SLICE:
                    data[unit + 5 : unit + 4 + length] = b"\xff" * (length - 1)
                unit += 4 + length
        at += 11 + size + 4
    clip.write_bytes(data)


def worker_is_told_to_go(world: World) -> Told:
    air = world.air(NumberedClip(gop_seconds=GOP_SECONDS, b_frames=2))
    air.until_segments(3)
    leaving = air.worker()
    leaving.terminate()
    figures = {"gone": gone(leaving, within=20)}
    air.until_segments(4)
    air.end()
    return Told(air, figures)


def worker_is_told_to_go_at_once(world: World) -> Told:
    """SIGINT says that nobody will succeed it; SIGTERM and SIGTERM again come after it."""
    air = world.air()
    air.until_segments(3)
    leaving, spool = air.worker(), world.stack.data / "spool" / str(air.session["id"])
    leaving.send_signal(signal.SIGINT)
    for _again in range(2):
        with contextlib.suppress(psutil.NoSuchProcess):  # it may be gone already
            leaving.terminate()
        _wait(0.3)
    figures = {"gone": gone(leaving, within=20)}
    figures["files left"] = len([path for path in spool.glob("e0001*/*") if path.suffix in {".mp4", ".ts", ".jpg"}])
    air.until_segments(3)
    air.end()
    return Told(air, figures)


ALL = (
    worker_hangs,
    ffmpeg_is_killed_again_and_again,
    ffmpeg_is_wedged,
    ffmpeg_is_killed,
    worker_is_killed,
    picture_child_is_killed,
    picture_child_is_wedged,
    keyframes_cannot_be_decoded,
    worker_is_told_to_go,
    worker_is_told_to_go_at_once,
)


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[Stories]:
    """All of them in one world at the same time: what happens to a channel is nothing to the others."""
    variables = {"STREAMKEEP_LOG_FORMAT": "json", "STREAMKEEP_LEASE_SECONDS": str(LEASE_SECONDS)}
    with a_world(tmp_path_factory.mktemp("processes"), numbered, variables=variables) as world:
        for clip in (NumberedClip(), LONG_GOP, NumberedClip(gop_seconds=GOP_SECONDS, b_frames=2)):
            world.clip(clip)
        telling = Stories(world, ALL)
        yield telling
        telling.close()


def test_a_killed_ffmpeg_costs_no_frame(stories: Stories) -> None:
    told = stories.told(ffmpeg_is_killed)

    assert told.report.findings == [], told.whole()
    assert told.causes == set()
    assert told.figures["replaced"] <= allowed(2)
    assert told.lost == 0


def test_a_wedged_ffmpeg_is_noticed_and_replaced(stories: Stories) -> None:
    told = stories.told(ffmpeg_is_wedged)

    assert told.report.findings == [], told.whole()
    assert told.causes == set()
    assert told.figures["replaced"] <= 10
    assert told.lost == 0


def test_pauses_between_ffmpegs_grow_and_are_forgotten_after_a_good_run(stories: Stories) -> None:
    told = stories.told(ffmpeg_is_killed_again_and_again)

    waits = [event["seconds"] for event in events(told.air.world, "ffmpeg_waits", channel=told.air.id)]
    assert told.report.findings == [], told.whole()
    assert waits == sorted(waits)
    assert len(waits) == 2, "at once after the first and after a good run"
    assert max(told.figures.values()) <= allowed(2)


def test_a_killed_worker_is_replaced_and_its_spool_shipped(stories: Stories) -> None:
    told = stories.told(worker_is_killed)

    assert told.report.findings == [], told.whole()
    assert told.causes == set()
    assert told.figures["replaced"] <= 10
    assert told.lost == 0
    assert [entry.part for entry in told.record.of("recording")][:2] == [0, 1], "the open recording is recovered"


def test_a_hung_worker_is_killed_and_replaced(stories: Stories) -> None:
    told = stories.told(worker_hangs)

    assert told.report.findings == [], told.whole()
    assert told.causes == set()
    assert told.figures["replaced"] <= 2 * LEASE_SECONDS + 5
    assert told.lost == 0


@pytest.mark.parametrize(("story", "without"), [(picture_child_is_killed, 3.0), (picture_child_is_wedged, 9.0)])
def test_without_its_picture_child_a_capture_goes_on_and_pictures_are_back(
    stories: Stories, story: Callable[[World], Told], without: float
) -> None:
    told = stories.told(story)
    print(f"longest without a picture {told.longest_without_picture():.2f} s")

    assert told.report.findings == [], told.whole()
    assert told.lost == 0
    assert told.longest_without_picture() <= without


def test_a_keyframe_that_cannot_be_decoded_is_captured_and_costs_its_picture(stories: Stories) -> None:
    told = stories.told(keyframes_cannot_be_decoded)
    print(f"longest without a picture {told.longest_without_picture():.2f} s")

    world, sent = told.air.world, told.air.broadcaster.frames()
    kept = [digest for entry in told.record.of("recording") for digest in _digests(world.stored().path(entry.key))]
    source = _digests(world.clip(POISONED))
    segments = [media.probe(world.stored().path(entry.key)) for entry in told.record.of("segment")]
    begin = source.index(kept[0])
    first = round(begin * TICKS_PER_SECOND / RATE)
    captured = [frame for frame in sent if int(str(frame["tick"])) >= first]
    assert kept == source[begin : begin + len(captured)]
    assert sum(len(segment.frames) for segment in segments) == len(captured)
    assert told.longest_without_picture() <= 1 + 1 + SPARE_SECONDS
    assert list(events(world, "picture_child_gone", channel=told.air.id)) == []
    assert len(list(events(world, "picture_undecodable", channel=told.air.id))) == len(POISONED_SECONDS)


def _digests(path: Path) -> list[str]:
    """Give the digest of each video packet's payload."""
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framemd5", "-"]
    shown = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout
    return [line.split(",")[5].strip() for line in shown.splitlines() if not line.startswith("#")]


def test_a_worker_that_is_told_to_go_hands_over(stories: Stories) -> None:
    told = stories.told(worker_is_told_to_go)

    assert told.report.findings == [], told.whole()
    assert told.lost == 0
    assert told.causes == set()
    assert told.figures["gone"] <= 20


def test_a_worker_without_a_successor_ships_everything_however_often_it_is_told_to_go(stories: Stories) -> None:
    told = stories.told(worker_is_told_to_go_at_once)

    assert told.report.findings == [], told.whole()
    assert told.figures["gone"] <= 20
    assert told.figures["files left"] == 0
    assert told.lost <= 1 + SPARE_SECONDS, "up to the next keyframe"
    assert [entry.part for entry in told.record.of("recording")][:2] == [0, 1]
