"""The main job: a publisher pushes, and pictures, MP4 and HLS appear while it does."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from itertools import pairwise

import httpx
import pytest

from tests.e2e.clips import NINE_SECONDS, RATE, WITH_SOUND
from tests.e2e.looking import boxes, decode_errors, mean_colour, probe
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


@pytest.fixture(scope="module", params=["sqlite and a directory", "dynamodb and s3"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Every test here runs in both worlds."""
    found = request.getfixturevalue("one_machine" if request.param == "sqlite and a directory" else "stack_on_aws")
    assert isinstance(found, Stack)
    return found


@pytest.fixture(scope="module")
def broadcast(stack: Stack, media: Media) -> dict[str, object]:
    """Give a channel after a broadcast of 9 s with every output on, its session ended by `complete`."""
    channel = stack.create(name="main job", image_time=2, video_time=4, hls_time=2, is_on_demand=True)
    url = channel["publish"]["url"]
    with Publisher(url, media.file(NINE_SECONDS), loop=False) as publisher:
        publisher.wait(within=20)
    stack.api.post(f"/channels/{channel['id']}/complete").raise_for_status()
    stack.wait_for_state(channel["id"], "idle", within=10)
    return channel


def test_snapshots_are_whole_pictures_of_the_stream_named_by_their_time(
    stack: Stack, broadcast: dict[str, str]
) -> None:
    pictures = stack.objects(f"snapshots/{broadcast['id']}/2*/**/*.jpg")

    assert len(pictures) == 5
    for picture in pictures:
        assert (probe(picture)["video"]["width"], probe(picture)["video"]["height"]) == (320, 180)
        assert sum(mean_colour(picture)) > 60, "the picture is black"
    assert len({picture.read_bytes() for picture in pictures}) == len(pictures)
    moments = [datetime.strptime(picture.stem, "%Y%m%dT%H%M%S.%fZ") for picture in pictures]  # noqa: DTZ007 - all are UTC
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert steps == pytest.approx([2.0] * 4, abs=0.05)


def test_latest_is_the_newest_picture(stack: Stack, broadcast: dict[str, str]) -> None:
    newest = stack.objects(f"snapshots/{broadcast['id']}/2*/**/*.jpg")[-1]

    latest = stack.objects_folder / "snapshots" / broadcast["id"] / "latest.jpg"

    assert latest.read_bytes() == newest.read_bytes()


def test_recordings_are_ordinary_mp4_files_that_hold_every_frame(stack: Stack, broadcast: dict[str, str]) -> None:
    recordings = stack.objects(f"recordings/{broadcast['id']}/**/*.mp4")

    looks = [probe(recording) for recording in recordings]
    assert [boxes(recording)[:2] for recording in recordings] == [["ftyp", "moov"]] * 3
    assert sum(look["frames"] for look in looks) == 9 * RATE
    assert all(look["audio"]["codec_name"] == "aac" for look in looks)
    assert all(float(look["format"]["start_time"]) == pytest.approx(0, abs=0.1) for look in looks)
    assert "".join(decode_errors(recording) for recording in recordings) == ""


def test_the_live_playlist_keeps_its_target_and_names_only_what_is_there(
    stack: Stack, broadcast: dict[str, str]
) -> None:
    playlist = stack.live(broadcast["id"])

    assert playlist.is_endlist
    assert playlist.target_duration is not None
    assert all(round(segment.duration or 0) <= playlist.target_duration for segment in playlist.segments)
    assert all(segment.program_date_time for segment in playlist.segments)
    folder = stack.objects_folder / "hls" / broadcast["id"]
    assert all((folder / (segment.uri or "")).is_file() for segment in playlist.segments)


def test_the_vod_playlist_plays_every_frame_in_one_piece(stack: Stack, broadcast: dict[str, str]) -> None:
    (vod,) = stack.objects(f"hls/{broadcast['id']}/*/vod.m3u8")

    look = probe(vod)

    assert look["frames"] == 9 * RATE
    assert decode_errors(vod) == ""


def test_the_manifest_lists_every_object_with_its_checksum(stack: Stack, broadcast: dict[str, str]) -> None:
    head = stack.head(broadcast["id"])

    listed = {entry["key"]: entry for entry in head["tail"]}
    root = stack.objects_folder
    media = {
        path.relative_to(root).as_posix()
        for kind in ("snapshots", "recordings", "hls")
        for path in stack.objects(f"{kind}/{broadcast['id']}/**/*")
        if path.suffix != ".m3u8" and path.name != "latest.jpg" and not path.name.startswith("sprite")
    }
    assert set(listed) == media
    for key, entry in listed.items():
        body = (root / key).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert head["state"] == "ended"


def test_the_session_shows_what_was_captured_without_gaps(stack: Stack, broadcast: dict[str, str]) -> None:
    session = stack.session(broadcast["id"])

    assert session["state"] == "ended"
    assert session["gaps"] == []
    first, last = session["parts"][0], session["parts"][-1]
    assert len(session["parts"]) <= 2, "a worker that was slow to start has what it missed in a part of its own"
    assert last["video"] == {"codec": "h264", "width": 320, "height": 180}
    assert last["audio"]["codec"] == "aac"
    length = datetime.fromisoformat(last["to"]) - datetime.fromisoformat(first["from"])
    assert length.total_seconds() == pytest.approx(9, abs=0.2)
    assert session["counts"]["snapshots"] == 5


def test_nothing_of_the_worker_is_left(stack: Stack, broadcast: dict[str, str]) -> None:
    eventually(
        lambda: stack.process_with("services.worker", broadcast["id"]) is None, within=5, what="the worker is gone"
    )

    assert not (stack.data / "spool" / stack.session(broadcast["id"])["id"]).exists()


def test_links_open_media_in_ranges_without_a_token(stack: Stack, broadcast: dict[str, str]) -> None:
    recordings = stack.api.get(f"/channels/{broadcast['id']}/recordings").raise_for_status().json()["items"]
    oldest = recordings[-1]

    answer = httpx.get(oldest["url"], headers={"Range": "bytes=4-7"}, follow_redirects=True)

    assert (answer.status_code, answer.content) == (206, b"ftyp")
    assert answer.headers["content-type"] == "video/mp4"
    assert hashlib.sha256(httpx.get(oldest["url"], follow_redirects=True).content).hexdigest() == oldest["sha256"]


def test_a_player_follows_the_playback_link_to_every_segment(stack: Stack, broadcast: dict[str, str]) -> None:
    link = stack.channel(broadcast["id"])["playback"]["hls"]

    assert probe(link)["frames"] > 0


def test_times_from_the_arrival_of_publish_stay_within_their_bounds(stack: Stack, media: Media) -> None:
    channel = stack.create(image_time=10, hls_time=2)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        eventually(lambda: stack.sessions(channel["id"]), within=5, what="the session is open")
        picture = eventually(
            lambda: stack.objects(f"snapshots/{channel['id']}/latest.jpg"), within=10, what="a first picture"
        )[0]
        playlist = eventually(
            lambda: stack.objects(f"hls/{channel['id']}/live.m3u8"), within=10, what="a live playlist"
        )[0]
        began = datetime.fromisoformat(stack.session(channel["id"])["started_at"]).timestamp()
        assert picture.stat().st_mtime - began < 4.0, "bound 2 s on an idle machine"
        assert playlist.stat().st_mtime - began < 6.0, "bound 4 s on an idle machine"
    stack.api.post(f"/channels/{channel['id']}/complete")


def test_the_older_systems_call_works_as_it_stands(stack: Stack) -> None:
    older = (
        '{"isFlv":true,"isHls":false,"isVideo":false,"isImage":false,"isMotion":false,"isOnDemand":false,'
        '"isCMAF":false,"video_time":"60","image_time":"30","hls_time":"2","hls_list_size":"5","outdate":"2030-12-09"}'
    )

    answer = stack.api.post("/videostream", content=older, headers={"Content-Type": "application/json"})

    assert answer.status_code in (200, 201)
    item = json.loads(answer.text)
    assert item["key"].startswith("1923004800-")  # 2030-12-09 00:00 UTC
    assert stack.api.get(f"/videostream/{item['id']}").json()["video_time"] == 60
