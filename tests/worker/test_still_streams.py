"""The picture child with a stream that stands still, and what its pictures say of themselves."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from services.domain import times
from services.worker.capture.ffmpeg_arguments import Tap
from tests.media import run
from tests.worker.picture_process import PictureProcess, all_events, named
from tests.worker.taps import Tapped, tapped

SECONDS = 8


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Tapped:
    """Eight seconds of one picture with a camera's noise, a keyframe each second."""
    path = tmp_path_factory.mktemp("still") / "still.flv"
    picture = f"smptehdbars=size=320x180:rate=25:duration={SECONDS},noise=alls=6:allf=t"
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-sc_threshold", "0", "-pix_fmt", "yuv420p"]
    run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture, *coded, path])
    return tapped(path, Tap.KEYFRAMES)


def test_what_shows_nothing_new_is_told_and_left_out(still: Tapped, tmp_path: Path) -> None:
    events = all_events(tmp_path, still.body, "--interval", "1", "--skip-unchanged")

    pictures, unchanged = named(events, "picture"), named(events, "unchanged")
    assert len(pictures) + len(unchanged) == SECONDS
    assert len(pictures) == 1
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == [picture["file"] for picture in pictures]


def test_it_is_kept_and_called_frozen_where_nobody_said_so(still: Tapped, tmp_path: Path) -> None:
    pictures = named(all_events(tmp_path, still.body, "--interval", "1"), "picture")

    assert len(pictures) == SECONDS
    assert [picture["flags"] for picture in pictures] == [[]] + [["frozen"]] * (SECONDS - 1)
    first, *others = [int(picture["phash"], 16) for picture in pictures]
    assert all((first ^ other).bit_count() <= 8 for other in others)


def test_a_picture_says_of_itself_what_the_media_clock_says(still: Tapped, tmp_path: Path) -> None:
    with PictureProcess(tmp_path, "--interval", "1", "--session", "01K9ZQ", "--sizes", "64") as child:
        child.feed(still.upto(still.keyframes[0]))
        clock, picture = child.expect("clock"), child.expect("picture")
        tags = json.loads(
            run(["ffprobe", "-v", "error", "-show_frames", "-of", "json", tmp_path / picture["sizes"][0]["file"]])
        )["frames"][0]["tags"]

    told = f"{tags['DateTimeOriginal']}.{tags['SubSecTimeOriginal']}{tags['0x9011']}"
    at = datetime.strptime(told, "%Y:%m:%d %H:%M:%S.%f%z")
    assert at == times.utc(clock["anchor"] + picture["pts"])
    assert tags["ImageUniqueID"] == "01K9ZQ"
