"""Two captures of one stream are cut at a keyframe that both have: each packet is kept once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.worker.delivery.cutting import cut, within
from services.worker.events import FileClosed
from services.worker.pictures.transport_stream import PACKET_BYTES
from tests.media import RATE, Clip, Media, run
from tests.numbered import NumberedClip, NumberedMedia
from tests.worker.captures import captured, packets

pytestmark = pytest.mark.anyio

KINDS = [Kind.RECORDING, Kind.SEGMENT]


def a_file(start: float, end: float) -> FileClosed:
    return FileClosed(kind=Kind.SEGMENT, path=Path("segment-000000001.ts"), start=start, end=end)


def contents(path: Path, stream: str) -> list[str]:
    """Give the digest of each packet's payload, in the order of decoding."""
    shown = run(["ffmpeg", "-v", "error", "-i", path, "-map", f"0:{stream}", "-c", "copy", "-f", "framemd5", "-"])
    return [line.split(",")[5].strip() for line in shown.decode().splitlines() if not line.startswith("#")]


def the_first_of(kind: Kind, source: Path, folder: Path) -> FileClosed:
    """Give the first file of a capture, some seconds long, as it comes from ffmpeg."""
    found = captured(source, folder, recording=6, segment=6)
    return next(file for file in found if file.kind is kind)


def test_a_file_that_ends_before_the_cut_stays_as_it_is() -> None:
    assert within(a_file(2, 4), None, 4.0, first_keyframe=2) == a_file(2, 4)


def test_a_file_that_begins_at_the_cut_is_left_to_the_successor() -> None:
    assert within(a_file(4, 6), None, 4.0, first_keyframe=4) is None


def test_a_file_around_the_cut_ends_there() -> None:
    assert within(a_file(4, 8), None, 6.0, first_keyframe=4) == replace(a_file(4, 6), cut_to=2.0)


def test_what_a_successor_has_from_before_the_cut_is_left_out() -> None:
    assert within(a_file(0, 2), 2.0, None, first_keyframe=0.5) is None
    assert within(a_file(0, 4), 2.0, None, first_keyframe=0.5) == replace(a_file(2, 4), cut_from=1.5)


@pytest.mark.parametrize("stream", ["v", "a"])
@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_cut_off_one_file_is_what_the_other_keeps(
    media: Media, tmp_path: Path, kind: Kind, b_frames: int, stream: str
) -> None:
    file = the_first_of(kind, media.file(Clip(gop_seconds=1, b_frames=b_frames)), tmp_path / "run")
    whole = contents(file.path, stream)

    before = contents((await cut(replace(file, cut_to=2.0))).path, stream)
    after = contents((await cut(replace(file, cut_from=2.0))).path, stream)

    assert before + after == whole
    assert len(before) > 20
    assert len(after) > 20


async def test_a_segment_of_a_few_packets_is_cut_as_any_other(numbered: NumberedMedia, tmp_path: Path) -> None:
    clip = NumberedClip(seconds=2.08, gop_seconds=2)
    _, file = captured(numbered.file(clip), tmp_path / "run", segment=2)
    assert file.path.stat().st_size <= 10 * PACKET_BYTES

    kept = await cut(replace(file, cut_from=0.0))

    assert kept.path != file.path
    entries = ["-of", "csv", "-select_streams", "v", "-show_entries", "packet=pts"]
    assert len(run(["ffprobe", "-v", "error", "-f", "mpegts", *entries, kept.path]).split()) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_sound_that_came_before_the_first_picture_is_left_to_the_part_before(
    media: Media, tmp_path: Path, kind: Kind
) -> None:
    file = the_first_of(kind, media.file(Clip(video_after=0.9)), tmp_path / "run")

    left = (await cut(replace(file, cut_from=0.0))).path

    picture, sound = packets(left, "v")[0], packets(left, "a")[0]
    assert len(contents(left, "v")) == len(contents(file.path, "v"))
    assert len(contents(file.path, "a")) - len(contents(left, "a")) == pytest.approx(0.9 * 44100 / 1024, abs=4)
    assert 0 <= sound["dts"] - picture["dts"] < 0.05


@pytest.mark.parametrize("kind", KINDS)
async def test_a_first_file_with_sound_before_its_first_picture_ends_where_it_shall(
    media: Media, tmp_path: Path, kind: Kind
) -> None:
    file = the_first_of(kind, media.file(Clip(video_after=0.9)), tmp_path / "run")

    left = (await cut(replace(file, is_first=True, cut_to=2.0))).path

    assert len(contents(left, "v")) == 2 * 25
    assert len(contents(left, "a")) == pytest.approx(2.9 * 44100 / 1024, abs=6)


async def test_a_file_that_cannot_be_cut_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "segment-000000001.ts"
    path.write_bytes(b"no stream")
    file = replace(a_file(0, 2), path=path, cut_to=1.0)

    assert (await cut(file)).path == path


async def test_a_cut_to_begin_where_no_keyframe_is_cuts_nothing(media: Media, tmp_path: Path) -> None:
    file = the_first_of(Kind.SEGMENT, media.file(Clip()), tmp_path / "run")

    assert (await cut(replace(file, cut_from=1.0))).path == file.path


@pytest.mark.parametrize("kind", [Kind.SEGMENT, Kind.RECORDING])
async def test_a_file_whose_timestamps_jump_between_keyframes_ends_there(
    media: Media, tmp_path: Path, kind: Kind
) -> None:
    file = the_first_of(kind, media.file(Clip()), tmp_path / "run")

    kept = await cut(replace(file, cut_to=1.0))

    assert len(packets(kept.path)) == pytest.approx(1.0 * RATE, abs=3)
