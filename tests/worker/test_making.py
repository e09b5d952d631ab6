"""What is made of a frame: JPEGs in several sizes that tell their own time, whole or not at all."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from services.domain.capture import ImagePlan
from services.worker.pictures.making import HEARTBEAT_SECONDS, Maker
from tests.media import run
from tests.worker.frames import encoded, flat, noisy, with_box

SESSION = "01K9ZQ5V3W8XJ4N6T2R7M1P0AB"
AT = 1_795_168_800.123  # 2026-11-20T10:00:00.123Z


def a_maker(folder: Path, *, aspect: Fraction | None = None, **facts: Any) -> Maker:  # noqa: ANN401 - of ImagePlan
    return Maker(folder, ImagePlan(**{"seconds": 2.0, "quality": 85, **facts}), SESSION, aspect=aspect)


def made(maker: Maker, frame: av.VideoFrame, pts: float = 0.0) -> dict[str, Any]:
    found = maker.make(frame, pts, AT + pts)
    assert found is not None
    return found


def probed(path: Path) -> dict[str, Any]:
    """Give what ffprobe says of a picture."""
    asked = ["-show_frames", "-of", "json"]
    frame = json.loads(run(["ffprobe", "-v", "error", *asked, path]))["frames"][0]
    return dict(frame)


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> av.VideoFrame:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return encoded("mandelbrot=size=320x180:rate=1,trim=duration=1", "2M", path)[0]


def test_every_size_tells_when_and_in_which_session_it_was_captured(frame: av.VideoFrame, tmp_path: Path) -> None:
    said = made(a_maker(tmp_path, sizes=(64,)), frame)
    for name in (said["file"], said["sizes"][0]["file"]):
        tags = probed(tmp_path / name)["tags"]
        assert tags["DateTimeOriginal"] == "2026:11:20 10:00:00"
        assert tags["SubSecTimeOriginal"] == "123"
        assert tags["ImageUniqueID"] == SESSION
        assert tags["0x9011"] == "+00:00"  # OffsetTimeOriginal, which this ffprobe does not know by name


def test_all_narrower_sizes_come_from_one_decode_with_even_heights(frame: av.VideoFrame, tmp_path: Path) -> None:
    said = made(a_maker(tmp_path, sizes=(66, 160, 320, 640)), frame)
    assert [(each["width"], each["height"]) for each in said["sizes"]] == [(66, 38), (160, 90)]
    for each in (said, *said["sizes"]):
        shown = probed(tmp_path / each["file"])
        assert (shown["width"], shown["height"]) == (each["width"], each["height"])


def test_files_have_no_name_before_they_are_whole(frame: av.VideoFrame, tmp_path: Path) -> None:
    said = made(a_maker(tmp_path, sizes=(64, 160)), frame)
    names = {said["file"], *(each["file"] for each in said["sizes"])}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_what_cannot_be_written_leaves_nothing_behind(frame: av.VideoFrame, tmp_path: Path) -> None:
    maker = a_maker(tmp_path / "gone", sizes=(64,))
    with pytest.raises(FileNotFoundError):
        maker.make(frame, 0.0, AT)
    assert list(tmp_path.iterdir()) == []


def test_a_finer_quality_takes_more_bytes(frame: av.VideoFrame, tmp_path: Path) -> None:
    sizes = []
    for quality in (1, 10, 50, 85, 100):
        said = made(a_maker(tmp_path, quality=quality), frame)
        sizes.append((tmp_path / said["file"]).stat().st_size)
    assert all(before < after for before, after in pairwise(sizes)), sizes
    assert sizes[-1] > 3 * sizes[1]


def test_pixels_that_are_not_square_come_out_in_right_proportions(frame: av.VideoFrame, tmp_path: Path) -> None:
    wide = made(a_maker(tmp_path, aspect=Fraction(4, 3), sizes=(160,)), frame)
    assert (wide["width"], wide["height"]) == (426, 180)
    assert (wide["sizes"][0]["width"], wide["sizes"][0]["height"]) == (160, 68)
    high = made(a_maker(tmp_path, aspect=Fraction(1, 2)), frame)
    assert (high["width"], high["height"]) == (320, 360)
    absurd = made(a_maker(tmp_path, aspect=Fraction(255)), frame)
    assert (absurd["width"], absurd["height"]) == (320, 180)


def test_settings_change_with_the_next_picture_and_what_it_is_compared_with_stays(tmp_path: Path) -> None:
    maker, shown = a_maker(tmp_path), with_box(90, (40, 40, 60, 60))
    assert made(maker, shown)["sizes"] == []
    maker.change(ImagePlan(seconds=1.0, quality=10, sizes=(160,)))
    after = made(maker, shown, 2.0)
    assert [each["width"] for each in after["sizes"]] == [160]
    assert after["flags"] == ["frozen"]


def test_a_frame_of_another_size_is_a_picture_of_another_size(tmp_path: Path) -> None:
    maker = a_maker(tmp_path)
    made(maker, flat(100, 320, 180))
    said = made(maker, flat(100, 160, 120), 2.0)
    assert (said["width"], said["height"]) == (160, 120)


def test_pictures_that_show_the_same_are_left_out_but_for_one_in_five_minutes(tmp_path: Path) -> None:
    maker, still = a_maker(tmp_path, skip_unchanged=True), flat(100)
    kept = [pts for pts in range(0, 901, 10) if maker.make(still, float(pts), AT + pts) is not None]
    assert kept == [0, 300, 600, 900]
    assert kept[1] == HEARTBEAT_SECONDS
    assert maker.unchanged == 91 - len(kept)
    assert len(list(tmp_path.iterdir())) == len(kept)
    assert maker.make(noisy(150, 20, seed=2), 910.0, AT + 910) is not None


def test_a_picture_that_was_asked_for_is_made_although_it_shows_nothing_new(tmp_path: Path) -> None:
    maker = a_maker(tmp_path, skip_unchanged=True)
    made(maker, flat(100))
    said = maker.make(flat(100), 1.0, AT + 1, is_asked=True)
    assert said is not None
    assert said["flags"] == ["frozen"]
