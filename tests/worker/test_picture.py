"""The picture child as a real process, fed with the tap of real streams."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.worker.capture.ffmpeg_arguments import Tap
from tests import media as pictures_of
from tests.media import HEIGHT, RATE, WIDTH, Clip, Media
from tests.worker.picture_process import PictureProcess, all_events, named
from tests.worker.taps import tapped

CODECS = {
    "h264": Clip(),
    "hevc": Clip(codec="hevc", sound=False, form="mp4"),
    "mpeg4": Clip(codec="mpeg4", sound=False, form="mp4"),
}


def frames_shown(media: Media, clip: Clip, folder: Path, pictures: list[dict[str, Any]]) -> list[int]:
    """Give for each picture the number of the frame that it shows, as ffmpeg decodes them."""
    frames = pictures_of.thumbs(media.file(clip))
    shown = pictures_of.picture_thumbs([folder / picture["file"] for picture in pictures])
    for thumb in shown:
        assert pictures_of.difference(thumb, frames[pictures_of.nearest(thumb, frames)]) < 3
    return [pictures_of.nearest(thumb, frames) for thumb in shown]


def frames_named(media: Media, clip: Clip, pictures: list[dict[str, Any]]) -> list[int]:
    """Give for each picture the number of the frame that its PTS names."""
    first = min(packet.pts for packet in tapped(media.file(clip)).packets)
    return [round((picture["pts"] - first) * RATE) for picture in pictures]


def test_the_first_picture_needs_nothing_after_the_first_keyframe(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip()), Tap.KEYFRAMES)
    with PictureProcess(tmp_path, "--interval", "10") as child:
        child.feed(tap.upto(tap.keyframes[0]))
        picture = child.expect("picture")

        assert picture["pts"] == pytest.approx(tap.keyframes[0].pts, abs=0.001)


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_pictures_of_keyframes_are_jpegs_of_the_right_frames(media: Media, tmp_path: Path, codec: str) -> None:
    clip = CODECS[codec]
    tap = tapped(media.file(clip), Tap.KEYFRAMES)
    pictures = named(all_events(tmp_path, tap.body, "--interval", "2"), "picture")

    assert [picture["pts"] for picture in pictures] == pytest.approx([packet.pts for packet in tap.keyframes[:3]])
    assert frames_shown(media, clip, tmp_path, pictures) == frames_named(media, clip, pictures)


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_pictures_between_keyframes_show_the_frame_they_name(media: Media, tmp_path: Path, codec: str) -> None:
    clip = CODECS[codec]
    events = all_events(tmp_path, tapped(media.file(clip)).body, "--interval", "0.5", "--all-packets")
    pictures = named(events, "picture")
    wanted = frames_named(media, clip, pictures)

    assert len(pictures) == 12
    assert frames_shown(media, clip, tmp_path, pictures) == wanted
    assert all(abs(frame - 12.5 * number) <= 4 for number, frame in enumerate(wanted))


def test_a_picture_has_the_size_and_the_colours_of_the_video(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip()), Tap.KEYFRAMES)
    picture = named(all_events(tmp_path, tap.body, "--interval", "60"), "picture")[0]
    shown = pictures_of.mean_colour(pictures_of.picture_thumbs([tmp_path / picture["file"]])[0])
    wanted = pictures_of.mean_colour(pictures_of.thumbs(media.file(Clip()))[0])

    assert (picture["width"], picture["height"]) == (WIDTH, HEIGHT)
    assert shown == pytest.approx(wanted, abs=2)
    assert (tmp_path / picture["file"]).read_bytes()[:3] == b"\xff\xd8\xff"


def test_the_clock_and_the_streams_are_told_before_the_first_picture(media: Media, tmp_path: Path) -> None:
    events = all_events(tmp_path, tapped(media.file(Clip()), Tap.KEYFRAMES).body, "--interval", "10")

    assert [event["event"] for event in events[:2]] == ["clock", "streams"]
    assert events[1]["video"] == {"codec": "h264", "width": WIDTH, "height": HEIGHT}


def test_sound_alone_has_a_clock_and_no_pictures(media: Media, tmp_path: Path) -> None:
    events = all_events(tmp_path, tapped(media.file(Clip(codec=None)), Tap.SOUND).body, "--interval", "1")

    assert named(events, "streams") == [{"event": "streams", "video": None}]
    assert len(named(events, "clock")) == 1
    assert named(events, "picture") == []


def test_without_an_interval_only_the_clock_is_kept(media: Media, tmp_path: Path) -> None:
    events = all_events(tmp_path, tapped(media.file(Clip()), Tap.KEYFRAMES).body)

    assert len(named(events, "clock")) == 1
    assert named(events, "picture") == []


def test_the_clock_of_a_burst_is_set_by_its_newest_packet(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip()), Tap.KEYFRAMES)
    burst = [packet for packet in tap.packets if packet.pts < 3]
    with PictureProcess(tmp_path, "--interval", "10") as child:
        child.feed(tap.body[: burst[0].begin])
        child.wait_until_read()
        child.feed(tap.upto(burst[-1])[burst[0].begin :])
        fed = time.time()
        clock = child.expect("clock")

        assert clock["anchor"] == pytest.approx(fed - max(packet.pts for packet in burst), abs=0.2)
        assert clock["first"] == pytest.approx(burst[0].pts, abs=0.1)


def test_a_clock_that_is_given_is_kept(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip()), Tap.KEYFRAMES)
    events = all_events(tmp_path, tap.body, "--interval", "10", "--anchor", "1234.5")

    assert [clock["anchor"] for clock in named(events, "clock")] == [1234.5]


def test_a_paced_stream_is_photographed_as_it_comes(media: Media, tmp_path: Path) -> None:
    pieces = tapped(media.file(Clip())).pieces()[:50]
    fed: dict[float, float] = {}
    with PictureProcess(tmp_path, "--interval", "0.5", "--all-packets") as child:
        child.feed(pieces[0][1])
        child.expect("picture")
        began = time.time()
        for number, (pts, piece) in enumerate(pieces[1:], start=1):
            time.sleep(max(0.0, began + number / RATE / 2 - time.time()))  # at twice its speed
            fed[pts] = time.time()
            child.feed(piece)
        made = [child.expect("picture") for _ in range(3)]

        for picture in made:
            due = min(at for pts, at in fed.items() if pts >= picture["pts"] - 0.001)
            assert child.path(picture).stat().st_mtime - due < 0.5


def test_a_spoiled_keyframe_is_told_and_pictures_go_on_with_the_next(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip()), Tap.KEYFRAMES)
    events = all_events(tmp_path, tap.spoiled(tap.keyframes[1]), "--interval", "2")
    pictures = named(events, "picture")

    assert [event["pts"] for event in named(events, "undecodable")] == pytest.approx([tap.keyframes[1].pts])
    assert frames_shown(media, Clip(), tmp_path, pictures) == [0, 100]


def test_the_memory_of_a_long_gop_stays_bounded(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip(seconds=12, gop_seconds=10, sound=False)))
    with PictureProcess(tmp_path, "--interval", "0.5", "--all-packets") as child:
        child.feed(tap.upto(tap.packets[30]))
        child.expect("picture")
        before = psutil.Process(child.pid).memory_info().rss
        child.feed(tap.upto(tap.packets[-20])[tap.packets[30].end :])
        for _ in range(20):
            child.expect("picture")
        grown = psutil.Process(child.pid).memory_info().rss - before

        assert grown < 10 * 1024 * 1024


def test_the_end_of_the_tap_ends_the_child_with_all_pictures_made(media: Media, tmp_path: Path) -> None:
    events = all_events(tmp_path, tapped(media.file(Clip()), Tap.KEYFRAMES).body, "--interval", "2")

    assert {event["file"] for event in named(events, "picture")} == {path.name for path in tmp_path.iterdir()}
