"""MPEG-TS as the worker's own ffmpeg writes it, taken apart piece by piece."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.worker.pictures.tail import Ring, Segments, Tail
from services.worker.pictures.transport_stream import PACKET_BYTES, Demuxer, NotInStep, Unit
from tests.media import Clip, Media
from tests.worker.captures import captured, packets


@pytest.fixture(scope="module")
def folder(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    captured(media.file(Clip(seconds=6, gop_seconds=3)), folder, segment=3)
    return folder


def in_pieces(data: bytes, packets_each: int) -> list[Unit]:
    demuxer, size = Demuxer(), packets_each * PACKET_BYTES
    return [unit for at in range(0, len(data), size) for unit in demuxer.feed(data[at : at + size])]


@pytest.mark.parametrize("packets_each", [1, 7, 100_000])
def test_every_frame_comes_out_once_however_the_file_grows(folder: Path, packets_each: int) -> None:
    path = folder / "segment-000000000.ts"
    units, wanted = in_pieces(path.read_bytes(), packets_each), packets(path)

    assert [unit.pts / 90_000 for unit in units] == pytest.approx([packet["pts"] for packet in wanted])
    assert [unit.is_keyframe for unit in units] == [bool(packet["key"]) for packet in wanted]


def test_a_file_that_was_written_anew_is_noticed(folder: Path) -> None:
    data = (folder / "segment-000000000.ts").read_bytes()
    demuxer = Demuxer()
    demuxer.feed(data[: 50 * PACKET_BYTES])

    with pytest.raises(NotInStep):
        demuxer.feed(data[70 * PACKET_BYTES :])
    with pytest.raises(NotInStep):
        Demuxer().feed(bytes(10 * PACKET_BYTES))


def test_a_tail_is_of_the_run_s_clock_and_goes_on_into_the_next_file(media: Media, tmp_path: Path) -> None:
    _, second = captured(media.file(Clip(seconds=6, gop_seconds=3)), tmp_path, segment=3)
    later = tmp_path / "later"
    second.path.rename(later)
    begin = second.start - 3  # ffmpeg calls the start of the very first file 0
    tail = Tail(Segments(tmp_path), begin)
    frames = tail.read()
    later.rename(second.path)
    frames += tail.read()
    tail.close()

    assert [frame.pts for frame in frames if frame.is_keyframe] == pytest.approx([begin, second.start], abs=0.001)
    assert len(frames) == 150


def test_a_tail_whose_keyframe_is_not_in_the_newest_file_gives_nothing(folder: Path) -> None:
    tail = Tail(Segments(folder), 0.5)

    assert tail.read() == []
    tail.close()


def test_a_ring_is_read_from_the_file_written_last(tmp_path: Path) -> None:
    for number, second in ((0, 2), (1, 3), (2, 1)):
        path = tmp_path / f"tail-{number}.ts"
        path.touch()
        os.utime(path, ns=(second * 10**9, second * 10**9))
    ring = Ring(tmp_path)

    assert ring.newest() == tmp_path / "tail-1.ts"
    assert ring.after(tmp_path / "tail-2.ts") == tmp_path / "tail-0.ts"
    assert ring.after(tmp_path / "tail-1.ts") is None
