"""A worker that is asked for pictures and told of other settings: a program of its own, through its control port."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.domain.clock import SystemClock
from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.waiting import eventually
from tests.worker.a_worker import CHANNEL, SESSION, AWorker, publishing

LONG_GOP = Clip(seconds=60, gop_seconds=6)


def control_url(worker: AWorker) -> str | None:
    lease = worker.state.leases.get(SESSION)
    return None if lease is None else lease.control_url


def call(worker: AWorker, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    """Call the worker's control port as the other services do."""
    url = eventually(lambda: control_url(worker), within=10, what="the control port is open")
    token = {"Authorization": f"Bearer {worker.session().pull_token.reveal()}"}
    return httpx.post(f"{url}{path}", json=body or {"max_age": None}, headers=token, timeout=10, trust_env=False)


def snapshots(worker: AWorker, pattern: str = "snapshots/*/2*/**/*Z.jpg") -> list[Path]:
    return worker.stored(pattern)


def test_a_picture_that_is_asked_for_lies_in_the_store_and_is_one_of_the_series(
    gateway: OpenGateway, worker: AWorker, media: Media
) -> None:
    worker.on_air(image_time=600, is_video=False)
    assert gateway.listening.wait(10)
    with publishing(media.file(LONG_GOP), gateway):
        eventually(lambda: len(snapshots(worker)) == 1, within=10, what="the picture that was due")
        keyframe, newest = call(worker, "/snapshot"), call(worker, "/snapshot", {"max_age": 0.05})

    stored = {path.name for path in snapshots(worker)}
    assert [answer.is_success for answer in (keyframe, newest)] == [True, True]
    assert (keyframe.json()["created"], newest.json()["created"]) == (False, True)
    assert {answer.json()["key"].rpartition("/")[2] for answer in (keyframe, newest)} == stored
    assert len(stored) == 2


def test_a_keyframe_asked_for_again_after_a_newer_picture_is_the_same_object(
    gateway: OpenGateway, worker: AWorker, media: Media
) -> None:
    worker.on_air(image_time=600, is_video=False)
    assert gateway.listening.wait(10)
    with publishing(media.file(LONG_GOP), gateway):
        eventually(lambda: len(snapshots(worker)) == 1, within=10, what="the picture that was due")
        first, newer, again = (call(worker, "/snapshot", {"max_age": age}).json() for age in (None, 0.05, None))

    assert (again["created"], again["key"]) == (False, first["key"])
    assert len(snapshots(worker)) == len({first["key"], newer["key"]}) == 2


def test_who_asks_before_media_comes_is_told_why_there_is_nothing(gateway: OpenGateway, worker: AWorker) -> None:
    worker.on_air()
    assert gateway.listening.wait(10)

    answer = call(worker, "/snapshot")

    assert answer.status_code == 409
    assert "no media" in answer.text


def test_settings_of_pictures_apply_within_three_seconds_and_leave_the_recording_alone(
    gateway: OpenGateway, worker: AWorker, media: Media
) -> None:
    worker.on_air(image_time=600, is_hls=False, is_on_demand=False)
    assert gateway.listening.wait(10)
    with publishing(media.file(LONG_GOP), gateway):
        eventually(lambda: len(snapshots(worker)) == 1, within=10, what="the picture that was due")
        ffmpeg = worker.ffmpeg()
        stored = worker.state.channels.get(CHANNEL)
        changed = stored.changed(SystemClock().now(), image_time=0.5, image_quality=20, image_sizes=(64, 160))
        worker.state.channels.replace(changed)
        began = time.monotonic()
        eventually(
            lambda: len(worker.stored("snapshots/*/2*/**/*-w160.jpg")) >= 2, within=5, what="pictures in two sizes"
        )
        took = time.monotonic() - began
        assert ffmpeg is not None
        assert ffmpeg.is_running()
        eventually(lambda: (head := worker.head()) is not None and head.images is not None, within=8, what="the pace")
        head = worker.head()

    assert took < 3 + 0.5
    assert head is not None
    assert len(head.parts) == 1
    assert all(gap.ended_at <= head.parts[0].started_at for gap in head.gaps)
    assert head.images is not None
    assert head.images["asked"] == 0.5
    assert head.images["achieved"] == pytest.approx(0.5, abs=0.1)
