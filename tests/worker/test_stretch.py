"""Files of the gateway's backlog, put together on one clock, and written as one."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import pytest

from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.catching_up.stretch import Joined, stretches
from services.worker.pictures.teller import digest
from tests.media import Clip, Media
from tests.rtmp import VIDEO, read_flv
from tests.worker.captures import packets
from tests.worker.recorded import BEGAN_AT, places, recorded
from tests.worker.taps import tapped

CLIP = Clip(seconds=16)


def test_the_files_of_a_connection_are_on_one_clock(media: Media, tmp_path: Path) -> None:
    files = recorded(media.file(CLIP), tmp_path)

    (stretch,) = stretches(files)

    assert len(files) == 3
    assert [key.pts for key in stretch.keys] == [80 + 2000 * number for number in range(8)]
    assert stretch.at(stretch.keys[3].dts) == BEGAN_AT + 6
    assert stretch.end == 16_000


def test_a_keyframe_is_known_by_what_the_picture_child_calls_it(media: Media, tmp_path: Path) -> None:
    clip = media.file(CLIP)
    with av.open(io.BytesIO(tapped(clip, Tap.KEYFRAMES).body), mode="r", format="nut") as tap:
        told = [digest(packet) for packet in tap.demux() if packet.is_keyframe]

    (stretch,) = stretches(recorded(clip, tmp_path))

    assert [key.digest for key in stretch.keys] == told
    assert len(set(told)) == 8


def test_of_pictures_that_stand_still_the_keyframe_nearest_in_time_is_meant(media: Media, tmp_path: Path) -> None:
    (stretch,) = stretches(recorded(media.file(CLIP), tmp_path))
    stretch.keys[2:4] = [replace(key, digest="still") for key in stretch.keys[2:4]]

    assert stretch.same_as("still", near=stretch.at(stretch.keys[3].pts) + 0.4) == stretch.keys[3]


def test_another_connection_and_another_video_are_stretches_of_their_own(media: Media, tmp_path: Path) -> None:
    files = recorded(media.file(CLIP), tmp_path / "first")
    files += recorded(media.file(CLIP), tmp_path / "second", connection="8")
    listed, path = recorded(media.file(replace(CLIP, b_frames=0)), tmp_path / "third", connection="8")[1]

    found = stretches([*files, (listed, path)])

    assert [len(stretch.files) for stretch in found] == [3, 3, 1]


def test_a_file_that_is_written_still_counts_up_to_its_last_whole_tag(media: Media, tmp_path: Path) -> None:
    files = recorded(media.file(CLIP), tmp_path)
    path = files[-1][1]
    body = path.read_bytes()
    last = max(at for kind, at in places(body) if kind == VIDEO)
    path.write_bytes(body[: last + 30])

    (stretch,) = stretches(files)

    assert stretch.end == 15_960


def test_what_follows_a_set_clock_is_on_a_clock_of_its_own(media: Media, tmp_path: Path) -> None:
    files = recorded(media.file(CLIP), tmp_path)
    listed, path = files[1]
    body = bytearray(path.read_bytes())
    keyframes = [at for kind, at in places(bytes(body)) if kind == VIDEO and body[at + 11 : at + 13] == b"\x17\x01"]
    for _, at in places(bytes(body)):
        body[at + 7] = at >= keyframes[-1]  # some 4 h and 40 min later
    path.write_bytes(body)

    (stretch,) = stretches([files[0], (listed, path)])

    assert len(stretch.keys) == 1


def test_what_follows_a_clock_that_was_set_back_a_little_is_in_no_file_and_the_next_one_begins_anew(
    media: Media, tmp_path: Path
) -> None:
    files = recorded(media.file(CLIP), tmp_path)
    path = files[1][1]
    body = bytearray(path.read_bytes())
    keyframes = [at for kind, at in places(bytes(body)) if kind == VIDEO and body[at + 11 : at + 13] == b"\x17\x01"]
    set_back = [at for _, at in places(bytes(body)) if at >= keyframes[1]]
    for at in set_back:
        body[at + 4 : at + 7] = bytes(3)  # nginx tells so what is earlier than the file's begin
    path.write_bytes(body)

    before, after = stretches(files)
    Joined(before, before.keys[0], None).write(tmp_path / "joined.flv")

    assert [key.pts for key in before.keys] == [80, 2080, 4080, 6080]
    assert before.end == 8000
    times = [round(packet["dts"] * 1000) for packet in packets(tmp_path / "joined.flv")]
    assert times == list(range(0, 8000, 40))
    assert before.has_first(before.keys[0])
    assert after.began_at == BEGAN_AT + 12
    assert [key.pts for key in after.keys] == [80, 2080]
    assert not after.has_first(after.keys[0]), "something of its connection is missing"


@pytest.mark.parametrize(("since", "until"), [(0, None), (1, 7), (2, 3), (4, None)])
def test_from_keyframe_to_keyframe_each_packet_is_written_once(
    media: Media, tmp_path: Path, since: int, until: int | None
) -> None:
    clip = media.file(CLIP)
    (stretch,) = stretches(recorded(clip, tmp_path))
    begin, end = stretch.keys[since], None if until is None else stretch.keys[until]

    Joined(stretch, begin, end).write(tmp_path / "joined.flv")

    sent = [tag for tag in read_flv(clip) if tag.kind == VIDEO and not tag.is_header and tag.body[1] == 1]
    last = 1 << 30 if end is None else end.dts
    wanted = [tag.timestamp - begin.dts for tag in sent if begin.dts <= tag.timestamp < last]
    assert [round(packet["dts"] * 1000) for packet in packets(tmp_path / "joined.flv")] == wanted
    sound = [packet["dts"] for packet in packets(tmp_path / "joined.flv", "a")]
    assert sound == sorted(sound)
    assert abs(len(sound) * 1024 / 44100 - (wanted[-1] + 40) / 1000) < 0.1
