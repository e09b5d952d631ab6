from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from tests.doubles.sources import SourceServer
from tests.grabber.pictures import Frames
from tests.grabber.service import Service
from tests.media import HEIGHT, WIDTH

FRAME = 0.04
NAMES = ("vod.m3u8", "fmp4.m3u8", "aes.m3u8", "front.mp4", "behind.mp4", "whole.ts", "whole.flv")


@pytest.mark.parametrize(
    ("name", "at"), [*((name, 5) for name in NAMES), ("vod.m3u8", 0), ("vod.m3u8", 11.5), ("whole.ts", 11.5)]
)
def test_the_picture_at_an_offset_is_the_frame_that_is_shown_then(
    service: Service, web: SourceServer, frames: Frames, name: str, at: float
) -> None:
    answer = service.ask(web.url(name), at=at)

    assert answer.status_code == 200, answer.text
    assert frames.seconds(answer.content) == pytest.approx(at, abs=2 * FRAME)


def test_json_tells_the_size_the_position_and_the_picture(service: Service, web: SourceServer) -> None:
    told = service.told(web.url("vod.m3u8"), at=5, width=160)

    body = base64.b64decode(str(told["content"]))
    assert (told["width"], told["height"]) == (160, 160 * HEIGHT // WIDTH)
    assert (told["bytes"], told["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert told["position"] == pytest.approx(5, abs=2 * FRAME)


def test_a_picture_is_not_enlarged(service: Service, web: SourceServer) -> None:
    assert service.told(web.url("front.mp4"), width=3840)["width"] == WIDTH


def test_random_pictures_are_not_the_same(service: Service, web: SourceServer) -> None:
    positions = {service.told(web.url("front.mp4"), at="random")["position"] for _ in range(3)}

    assert len(positions) > 1


@pytest.mark.parametrize("name", ["vod.m3u8", "front.mp4"])
def test_an_offset_beyond_the_end_is_refused_with_the_length(service: Service, web: SourceServer, name: str) -> None:
    answer = service.ask(web.url(name), at=90)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "at"
    assert "12" in answer.json()["detail"]


def test_of_a_live_playlist_the_newest_segment_is_taken_with_its_time(
    service: Service, web: SourceServer, web_folder: Path, frames: Frames
) -> None:
    lines = (web_folder / "vod.m3u8").read_text().replace("#EXT-X-ENDLIST\n", "").splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("#EXTINF"))
    lines.insert(last, "#EXT-X-PROGRAM-DATE-TIME:2026-11-20T10:00:00.000Z")
    web.bodies["/live.m3u8"] = "\n".join(line for line in lines if "PLAYLIST-TYPE" not in line).encode()

    told = service.told(web.url("live.m3u8"))

    assert frames.seconds(base64.b64decode(str(told["content"]))) == pytest.approx(10, abs=2 * FRAME)
    assert (told["position"], told["captured_at"]) == (None, "2026-11-20T10:00:02.000Z")


def test_of_a_master_playlist_the_narrowest_variant_that_is_wide_enough_is_fetched(
    service: Service, web: SourceServer
) -> None:
    variants = "".join(
        f"#EXT-X-STREAM-INF:BANDWIDTH={width},RESOLUTION={width}x90\n{name}\n"
        for width, name in ((1280, "missing.m3u8"), (320, "vod.m3u8"), (160, "gone.m3u8"))
    )
    web.bodies["/master.m3u8"] = f"#EXTM3U\n{variants}".encode()

    assert service.told(web.url("master.m3u8"), width=200)["width"] == 200


def test_a_file_is_read_in_parts_and_not_as_a_whole(service: Service, web: SourceServer) -> None:
    web.bodies["/padded.mp4"] = (web.folder / "front.mp4").read_bytes() + b"\0\0\0\0free"[3:] + bytes(20_000_000)

    service.told(web.url("padded.mp4"), at=5)

    assert len(web.asked) < 10
    assert all(heard[2] for heard in web.asked[1:])


def test_a_server_that_knows_no_ranges_is_read_from_the_start(
    service: Service, web: SourceServer, frames: Frames
) -> None:
    web.ranges = False

    answer = service.ask(web.url("whole.ts"), at=5)

    assert frames.seconds(answer.content) == pytest.approx(5, abs=2 * FRAME)
