"""What the worker's ffmpeg makes of a stream: files, lists on the given descriptors, the tap."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.domain.capture import MediaPlan
from services.worker.capture import ffmpeg_arguments
from services.worker.capture.ffmpeg_arguments import Tap
from tests.media import Clip, Media, run
from tests.worker.taps import tapped


@dataclass(frozen=True, slots=True)
class Captured:
    folder: Path
    recordings: list[tuple[str, float, float]]
    segments: list[tuple[str, float, float]]
    tap: bytes


def _rows(descriptor: int) -> list[tuple[str, float, float]]:
    with os.fdopen(descriptor, "r") as lines:
        rows = [line.strip().rsplit(",", 2) for line in lines]
    return [(name, float(start), float(end)) for name, start, end in rows]


@pytest.fixture(scope="module")
def captured(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Captured:
    """Six seconds, cut into recordings of four and segments of two."""
    folder = tmp_path_factory.mktemp("captured")
    recordings, segments = os.pipe(), os.pipe()
    lists = {"recording": recordings[1], "segment": segments[1]}
    plan = MediaPlan(recording_seconds=4, segment_seconds=2)
    argv = ffmpeg_arguments.capture(str(media.file(Clip())), plan, folder, tap=Tap.KEYFRAMES, lists=lists)
    done = subprocess.run(argv, capture_output=True, check=True, pass_fds=list(lists.values()), timeout=30)
    for descriptor in lists.values():
        os.close(descriptor)
    return Captured(folder, _rows(recordings[0]), _rows(segments[0]), done.stdout)


def test_recordings_are_cut_at_the_first_keyframe_after_their_time(captured: Captured) -> None:
    assert [name for name, _, _ in captured.recordings] == ["recording-000000000.mp4", "recording-000000001.mp4"]
    assert captured.recordings[1][1:] == pytest.approx((4.08, 6.08), abs=0.1)


def test_each_segment_begins_where_the_last_one_ended(captured: Captured) -> None:
    assert [name for name, _, _ in captured.segments] == [f"segment-00000000{n}.ts" for n in range(3)]
    assert [end for _, _, end in captured.segments[:-1]] == [start for _, start, _ in captured.segments[1:]]


def test_every_file_in_a_list_is_there_and_no_other(captured: Captured) -> None:
    listed = {name for name, _, _ in captured.recordings + captured.segments}

    assert {path.name for path in captured.folder.iterdir()} == listed


def test_an_open_recording_is_written_in_fragments(captured: Captured) -> None:
    body = (captured.folder / "recording-000000000.mp4").read_bytes()

    assert body.count(b"moof") >= 3


def test_continuity_counters_run_on_across_segments(captured: Captured) -> None:
    whole = captured.folder.parent / "joined.ts"
    whole.write_bytes(b"".join((captured.folder / name).read_bytes() for name, _, _ in captured.segments))
    argv = ["ffmpeg", "-nostdin", "-v", "debug", "-i", str(whole), "-map", "0", "-c", "copy", "-f", "null", "-"]
    said = subprocess.run(argv, capture_output=True, check=True, timeout=30).stderr.decode()

    assert "Continuity check failed" not in said


def test_the_tap_is_nut_with_every_keyframe_and_few_others_after_the_first(captured: Captured) -> None:
    whole = captured.tap[:4] == b"nut/"
    shown = run(["ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "packet=flags", _tap_file(captured)])
    flags = shown.decode().split()

    assert whole
    assert sum(flag.startswith("K") for flag in flags) == 3
    assert 100 <= len(flags) <= 110


def _tap_file(captured: Captured) -> Path:
    path = captured.folder.parent / "tap.nut"
    path.write_bytes(captured.tap)
    return path


def test_the_full_tap_carries_every_frame(media: Media) -> None:
    assert len(tapped(media.file(Clip()), Tap.ALL).packets) == 150


def test_a_stream_without_video_is_tapped_by_its_sound(media: Media) -> None:
    packets = tapped(media.file(Clip(codec=None)), Tap.SOUND).packets

    assert 5 <= len(packets) <= 30
    assert packets[-1].pts > 5
