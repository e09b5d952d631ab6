"""What pictures are judged to be, and how alike their hashes are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
from dhash import dhash_int, get_num_bits_different  # type: ignore[import-untyped]

from services.worker.pictures.judging import Judge
from tests.media import run
from tests.worker.frames import encoded, flat, noisy, with_box

STILL = "smptehdbars=size=640x360:rate=1:duration=4"


def flags(*frames: av.VideoFrame) -> list[tuple[str, ...]]:
    judge = Judge()
    return [judge.judge(frame).flags for frame in frames]


def apart(one: av.VideoFrame, other: av.VideoFrame) -> int:
    hashes = [int(Judge().judge(frame).phash, 16) for frame in (one, other)]
    return int(get_num_bits_different(*hashes))


def test_a_picture_that_is_dark_all_over_is_black_whatever_its_noise_and_its_range() -> None:
    assert flags(flat(16)) == [("black",)]
    assert flags(flat(0)) == [("black",)]
    assert flags(noisy(24, 12, seed=1)) == [("black",)]


def test_a_dark_picture_with_a_title_and_a_gray_one_are_not_black() -> None:
    assert flags(with_box(16, (80, 80, 120, 20))) == [()]
    assert flags(flat(50)) == [()]


def test_a_dot_in_the_dark_does_not_keep_a_picture_from_being_black() -> None:
    assert flags(with_box(16, (300, 10, 10, 10))) == [("black",)]


def test_a_picture_that_shows_the_same_again_is_frozen_although_it_was_encoded_anew(tmp_path: Path) -> None:
    still = encoded(f"{STILL},noise=alls=10:allf=t", "300k", tmp_path / "still.mp4")
    assert flags(*still[1:]) == [(), ("frozen",), ("frozen",)]  # the first is still finding its bit rate


def test_a_picture_in_which_something_small_has_moved_is_not_frozen() -> None:
    assert flags(with_box(100, (20, 20, 8, 8)), with_box(100, (40, 20, 8, 8))) == [(), ()]


def test_what_changes_slowly_is_seen_to_have_changed_in_the_end() -> None:
    found = flags(*(flat(100 + step) for step in range(5)))
    assert found == [(), ("frozen",), (), ("frozen",), ()]


def test_a_black_picture_that_stays_is_black_and_frozen() -> None:
    assert flags(flat(16), flat(16)) == [("black",), ("black", "frozen")]


def test_the_hashes_of_the_same_picture_in_another_size_and_quality_are_alike(tmp_path: Path) -> None:
    fine = encoded("mandelbrot=size=640x360:rate=1,trim=duration=1", "4M", tmp_path / "fine.mp4")[0]
    poor = encoded("mandelbrot=size=640x360:rate=1,trim=duration=1,scale=320:180", "60k", tmp_path / "poor.mp4")[0]
    other = encoded("testsrc2=size=640x360:rate=1,trim=duration=1", "1M", tmp_path / "other.mp4")[0]
    assert apart(fine, poor) <= 10
    assert apart(fine, other) >= 30


def test_the_hash_is_nearly_what_others_make_of_the_picture_with_the_library(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    frame = encoded("mandelbrot=size=640x360:rate=1,trim=duration=1", "2M", path)[0]
    scaled = ["-vf", "scale=9:9:flags=lanczos,format=gray", "-frames:v", "1", "-f", "rawvideo", "pipe:1"]
    theirs = int(dhash_int(list(run(["ffmpeg", "-v", "error", "-i", path, *scaled]))))
    assert get_num_bits_different(theirs, int(Judge().judge(frame).phash, 16)) <= 6


def test_the_library_is_not_loaded_before_the_first_picture() -> None:
    code = "import services.worker.pictures.making, sys; sys.exit('dhash' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
