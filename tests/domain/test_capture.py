from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.domain import capture
from tests.examples import NOW, a_channel


def test_a_channel_left_as_it_is_records_segments_and_takes_pictures() -> None:
    plan = capture.plan(a_channel())

    assert plan == capture.CapturePlan(
        media=capture.MediaPlan(recording_seconds=60, segment_seconds=2),
        images=capture.ImagePlan(seconds=10, quality=85, tiles=True),
        hls_list_size=6,
        is_live=True,
        is_on_demand=True,
        reconnect_window=timedelta(seconds=180),
    )


def test_an_output_that_is_off_has_no_time() -> None:
    plan = capture.plan(a_channel(is_image=False, is_video=False, is_hls=False, is_on_demand=False))

    assert (plan.media.recording_seconds, plan.media.segment_seconds, plan.image_seconds) == (None, None, None)


def test_a_recording_to_watch_later_needs_segments_without_live_hls_too() -> None:
    assert capture.plan(a_channel(is_hls=False, is_on_demand=True)).media.segment_seconds == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": "new"},
        {"is_image": False},
        {"image_time": 0.5},
        {"image_quality": 10},
        {"image_sizes": (320,)},
        {"image_skip_unchanged": True},
        {"hls_list_size": 9},
        {"reconnect_window": 5},
        {"labels": {"a": "b"}},
    ],
)
def test_a_change_that_ffmpeg_does_not_see_needs_no_new_part(change: dict[str, Any]) -> None:
    channel = a_channel()

    assert capture.plan(channel.changed(NOW, **change)).media == capture.plan(channel).media


@pytest.mark.parametrize("change", [{"video_time": 30}, {"is_video": False}, {"hls_time": 4}])
def test_a_change_that_ffmpeg_sees_needs_a_new_part(change: dict[str, Any]) -> None:
    channel = a_channel()

    assert capture.plan(channel.changed(NOW, **change)).media != capture.plan(channel).media
