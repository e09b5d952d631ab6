"""Streams that are not the usual one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.clips import (
    AUDIO_ONLY,
    GROWING_GOP,
    LATE_VIDEO,
    LONG_GOP,
    RATE,
    SORENSON,
    VERY_LONG_GOP,
    VIDEO_ONLY,
    WITH_SOUND,
)
from tests.e2e.looking import probe
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def finished(stack: Stack, channel_id: str) -> dict[str, Any]:
    stack.api.post(f"/channels/{channel_id}/complete")
    stack.wait_for_state(channel_id, "idle", within=10)
    return stack.session(channel_id)


def test_a_stream_without_sound_is_captured(stack: Stack, media: Media) -> None:
    channel = stack.create(video_time=2)
    with Publisher(channel["publish"]["url"], media.file(VIDEO_ONLY), loop=False) as publisher:
        publisher.wait(within=15)

    session = finished(stack, channel["id"])

    recordings = stack.objects(f"recordings/{channel['id']}/**/*.mp4")
    assert sum(probe(recording)["frames"] for recording in recordings) == 5 * RATE
    assert session["parts"][0]["audio"] is None


def test_a_stream_without_pictures_is_captured_and_its_late_start_declared(stack: Stack, media: Media) -> None:
    channel = stack.create(video_time=2)
    with Publisher(channel["publish"]["url"], media.file(AUDIO_ONLY), seconds=8, loop=False) as publisher:
        publisher.wait(within=15)

    session = finished(stack, channel["id"])

    assert stack.objects(f"recordings/{channel['id']}/**/*.mp4")
    assert [gap["cause"] for gap in session["gaps"]] == ["not_listening"]


def test_a_gop_longer_than_image_time_still_gives_a_picture_each_time(stack: Stack, media: Media) -> None:
    channel = stack.create(image_time=1, is_video=False, is_hls=False)
    with Publisher(channel["publish"]["url"], media.file(LONG_GOP), seconds=6, loop=False) as publisher:
        publisher.wait(within=15)

    finished(stack, channel["id"])

    pictures = stack.objects(f"snapshots/{channel['id']}/2*/**/*.jpg")
    assert 5 <= len(pictures) <= 7
    assert len({picture.read_bytes() for picture in pictures}) == len(pictures)


def test_video_that_begins_after_the_sound_is_captured_too(stack: Stack, media: Media) -> None:
    channel = stack.create(video_time=2)
    with Publisher(channel["publish"]["url"], media.file(LATE_VIDEO), loop=False) as publisher:
        publisher.wait(within=25)

    session = finished(stack, channel["id"])

    assert stack.objects(f"snapshots/{channel['id']}/latest.jpg")
    assert session["parts"][-1]["video"]["codec"] == "h264"
    frames = sum(probe(recording)["frames"] for recording in stack.objects(f"recordings/{channel['id']}/**/*.mp4"))
    assert frames >= 6 * RATE, "at most the first GOPs are lost, and declared"
    sent = probe(media.file(LATE_VIDEO))["frames"]
    assert session["gaps"] or frames == sent


def test_pictures_keep_their_interval_when_the_gop_is_longer(stack: Stack, media: Media) -> None:
    channel = stack.create(image_time=10, is_video=False, is_hls=False, is_on_demand=False)
    with Publisher(channel["publish"]["url"], media.file(VERY_LONG_GOP), loop=False):
        eventually(
            lambda: len(stack.objects(f"snapshots/{channel['id']}/2*/**/*.jpg")) >= 2,
            within=45,
            what="a second picture, although no keyframe is due for half a minute",
        )

    finished(stack, channel["id"])


def test_a_stream_that_nothing_can_capture_is_said_and_its_time_declared(stack: Stack, media: Media) -> None:
    channel = stack.create()
    with Publisher(channel["publish"]["url"], media.file(SORENSON), loop=False) as publisher:
        reason = eventually(
            lambda: stack.session(channel["id"])["state_reason"] if stack.sessions(channel["id"]) else None,
            within=15,
            what="a reason",
        )
        publisher.wait(within=20)

    session = finished(stack, channel["id"])
    assert reason["code"] == "publisher_silent"
    assert [gap["cause"] for gap in session["gaps"]] == ["undecodable"]


def test_hls_switched_on_while_on_air_gives_a_playlist(stack: Stack, media: Media) -> None:
    channel = stack.create(is_hls=False, is_on_demand=False, is_video=False)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        stack.wait_for_state(channel["id"], "live", within=8)
        stack.api.patch(f"/channels/{channel['id']}", json={"is_hls": True}).raise_for_status()
        eventually(lambda: stack.objects(f"hls/{channel['id']}/live.m3u8"), within=12, what="a live playlist appears")

    finished(stack, channel["id"])
    assert stack.live(channel["id"]).is_endlist


def test_no_segment_of_a_late_join_is_longer_than_its_playlist_says(stack: Stack, media: Media) -> None:
    channel = stack.create(is_video=False, is_image=False)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        stack.wait_for_state(channel["id"], "live", within=8)
        stack.api.patch(f"/channels/{channel['id']}", json={"hls_time": 3}).raise_for_status()
        eventually(lambda: len(stack.session(channel["id"])["parts"]) >= 2, within=12, what="a second part")
        eventually(lambda: len(stack.objects(f"hls/{channel['id']}/*/*.ts")) >= 4, within=12, what="segments of it")

    finished(stack, channel["id"])
    playlist = stack.live(channel["id"])
    folder = stack.data / "objects" / "hls" / channel["id"]
    for segment in playlist.segments:
        length = float(probe(folder / (segment.uri or ""))["format"]["duration"])
        assert length == pytest.approx(segment.duration or 0, abs=0.3)
        assert round(segment.duration or 0) <= (playlist.target_duration or 0)


def test_segments_that_grow_past_the_target_are_cut_before_they_ship(stack: Stack, media: Media) -> None:
    channel = stack.create(hls_time=2, is_image=False, is_video=False, is_on_demand=True)
    with Publisher(channel["publish"]["url"], media.file(GROWING_GOP), loop=False) as publisher:
        publisher.wait(within=30)

    finished(stack, channel["id"])

    (vod,) = stack.objects(f"hls/{channel['id']}/*/vod.m3u8")
    playlist = stack.live(channel["id"])
    assert playlist.target_duration is not None
    assert all(round(segment.duration or 0) <= playlist.target_duration for segment in playlist.segments)
    assert probe(vod)["frames"] == probe(media.file(GROWING_GOP))["frames"]


def test_outputs_that_are_off_leave_nothing(stack: Stack, media: Media) -> None:
    channel = stack.create(is_image=True, is_video=False, is_hls=False, is_on_demand=False)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND), seconds=4, loop=False) as publisher:
        publisher.wait(within=15)

    finished(stack, channel["id"])

    assert stack.objects(f"snapshots/{channel['id']}/latest.jpg")
    assert not stack.objects(f"hls/{channel['id']}/**/*")
    assert not stack.objects(f"recordings/{channel['id']}/**/*")


def test_a_channel_with_every_output_off_goes_on_air_and_ends(stack: Stack, media: Media) -> None:
    channel = stack.create(is_image=False, is_video=False, is_hls=False, is_on_demand=False)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND), seconds=4, loop=False) as publisher:
        stack.wait_for_state(channel["id"], "live", within=8)
        publisher.wait(within=15)

    assert finished(stack, channel["id"])["state"] == "ended"


@pytest.mark.parametrize("change", [{"image_time": 1}])
def test_a_picture_setting_applies_while_on_air_without_a_new_part(
    stack: Stack, media: Media, change: dict[str, object]
) -> None:
    channel = stack.create(image_time=5, is_video=False)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        stack.wait_for_state(channel["id"], "live", within=8)
        stack.api.patch(f"/channels/{channel['id']}", json=change).raise_for_status()
        eventually(
            lambda: len(stack.objects(f"snapshots/{channel['id']}/2*/**/*.jpg")) >= 4,
            within=9,
            what="pictures come each second",
        )

    assert len(finished(stack, channel["id"])["parts"]) == 1


def test_an_output_switched_on_while_on_air_begins_a_new_part(stack: Stack, media: Media) -> None:
    channel = stack.create(is_video=False, video_time=2)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        stack.wait_for_state(channel["id"], "live", within=8)
        stack.api.patch(f"/channels/{channel['id']}", json={"is_video": True}).raise_for_status()
        eventually(lambda: stack.objects(f"recordings/{channel['id']}/**/*.mp4"), within=12, what="recordings appear")

    session = finished(stack, channel["id"])
    assert len(session["parts"]) >= 2
    assert {gap["cause"] for gap in session["gaps"]} <= {"not_listening"}
