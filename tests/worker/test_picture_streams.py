"""What the picture child tells of streams that are not the usual one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from services.worker.capture.ffmpeg_arguments import Tap
from tests.media import Clip, Media, run
from tests.rtmp import VIDEO, Tag, read_flv
from tests.worker.picture_process import PictureProcess, all_events, named
from tests.worker.taps import tapped


def written(path: Path, tags: Iterable[Tag]) -> Path:
    """Write tags as an FLV file."""
    body = bytearray(b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00")
    for tag in tags:
        moment = (tag.timestamp & 0xFFFFFF).to_bytes(3, "big") + bytes([tag.timestamp >> 24])
        head = bytes([tag.kind]) + len(tag.body).to_bytes(3, "big") + moment + bytes(3)
        body += head + tag.body + (len(head) + len(tag.body)).to_bytes(4, "big")
    path.write_bytes(body)
    return path


def encoded(path: Path, seconds: float, parameters: str) -> Path:
    source = ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={seconds}"]
    run(["ffmpeg", "-v", "error", *source, "-c:v", "libx264", "-preset", "ultrafast", "-x264-params", parameters, path])
    return path


@pytest.fixture
def refreshed(tmp_path: Path) -> Path:
    """A stream of 36 s with one keyframe, at its beginning."""
    return encoded(tmp_path / "refreshed.flv", 36, "intra-refresh=1:keyint=infinite:scenecut=0:bframes=0")


@pytest.fixture
def headless(refreshed: Path, tmp_path: Path) -> Path:
    """What a worker gets of it that joins late."""
    tags = [tag for tag in read_flv(refreshed) if tag.is_header or not tag.is_keyframe]
    return written(tmp_path / "headless.flv", tags)


def test_half_a_minute_without_a_keyframe_is_told_once(refreshed: Path, tmp_path: Path) -> None:
    events = all_events(tmp_path / "pictures", tapped(refreshed, Tap.KEYFRAMES).body)

    assert len(named(events, "no_keyframes")) == 1


def test_a_gop_of_half_a_minute_is_only_long(media: Media, tmp_path: Path) -> None:
    tap = tapped(media.file(Clip(seconds=32, gop_seconds=30)), Tap.KEYFRAMES)

    assert not named(all_events(tmp_path, tap.body), "no_keyframes")


def test_a_stream_whose_keyframe_never_comes_has_no_clock_and_is_told_of(headless: Path, tmp_path: Path) -> None:
    events = all_events(tmp_path / "pictures", tapped(headless, Tap.KEYFRAMES).body)

    assert not named(events, "clock")
    assert named(events, "packet")
    assert len(named(events, "no_keyframes")) == 1


def test_a_stream_without_keyframes_is_photographed_all_the_same(headless: Path, tmp_path: Path) -> None:
    events = all_events(tmp_path / "pictures", tapped(headless).body, "--interval", "5", "--all-packets", "--anywhere")

    assert named(events, "clock")
    assert len(named(events, "picture")) >= 6
    assert not named(events, "no_keyframes")


def test_the_clock_of_a_late_join_begins_with_the_first_keyframe(media: Media, tmp_path: Path) -> None:
    tags = read_flv(media.file(Clip()))
    first = next(tag for tag in tags if tag.is_keyframe and not tag.is_header)
    tap = tapped(written(tmp_path / "late.flv", [tag for tag in tags if tag is not first]), Tap.KEYFRAMES)

    (clock,) = named(all_events(tmp_path / "pictures", tap.body), "clock")

    assert clock["first"] == pytest.approx(tap.keyframes[0].pts)
    assert clock["first"] > min(packet.pts for packet in tap.packets) + 1


def test_a_video_that_is_described_otherwise_is_told_where_that_begins(media: Media, tmp_path: Path) -> None:
    tags, other = read_flv(media.file(Clip())), read_flv(encoded(tmp_path / "other.flv", 6, "keyint=50:bframes=3"))
    later = [tag for tag in other if tag.kind == VIDEO and (tag.is_header or tag.timestamp >= 4000)]
    changed = [tag for tag in tags if tag.timestamp < 4000] + [replace(later[0], timestamp=4000), *later[1:]]

    tap = tapped(written(tmp_path / "changed.flv", changed), Tap.KEYFRAMES)
    (told,) = named(all_events(tmp_path / "pictures", tap.body), "new_video")

    assert told["until"] == pytest.approx(4.0, abs=0.2)


def test_a_description_that_is_repeated_is_no_news(media: Media, tmp_path: Path) -> None:
    tags = read_flv(media.file(Clip()))
    header = next(tag for tag in tags if tag.is_header and tag.kind == VIDEO)
    keyframes = {tag.timestamp for tag in tags if tag.is_keyframe}
    repeated = [
        each
        for tag in tags
        for each in ([replace(header, timestamp=tag.timestamp), tag] if tag.timestamp in keyframes else [tag])
    ]

    tap = tapped(written(tmp_path / "repeated.flv", repeated), Tap.KEYFRAMES)

    assert not named(all_events(tmp_path / "pictures", tap.body), "new_video")


def test_timestamps_that_were_set_forward_are_told_and_not_photographed(media: Media, tmp_path: Path) -> None:
    tags = read_flv(media.file(Clip(sound=False)))
    jumped = [replace(tag, timestamp=tag.timestamp + 3_600_000 * (tag.timestamp >= 3000)) for tag in tags]

    tap = tapped(written(tmp_path / "jumped.flv", jumped))
    with PictureProcess(tmp_path / "pictures", "--interval", "1", "--all-packets") as child:
        child.feed(tap.body)
        events = child.end()

    (jump,) = named(events, "jump")
    assert jump["by"] == pytest.approx(3600, abs=0.5)
    assert jump["until"] == pytest.approx(3.0, abs=0.2)
    assert named(events, "picture")
    assert all(picture["pts"] < 4 for picture in named(events, "picture"))
