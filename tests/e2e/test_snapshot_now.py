"""A snapshot taken now, on a whole stack: while nobody waits for the next picture that is due."""

from __future__ import annotations

from datetime import datetime

import httpx

from services.domain import times
from tests.e2e.clips import LONG_GOP
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def captured(answer: httpx.Response) -> datetime:
    return times.parse(answer.raise_for_status().json()["captured_at"])


def test_a_snapshot_is_taken_now_from_the_keyframe_or_newer_and_in_a_burst(stack: Stack, media: Media) -> None:
    channel = stack.create(image_time=3_600, image_sizes=[64])
    path = f"/channels/{channel['id']}/snapshots"
    api = stack.api
    with Publisher(channel["publish"]["url"], media.file(LONG_GOP)):
        eventually(lambda: api.get(f"{path}/latest").status_code == 200, within=20, what="the first picture")

        keyframe, again = api.post(path), api.post(path)
        newer = api.post(path, json={"max_age": 0})
        latest = api.get(f"{path}/latest")
        burst = api.post(path, json={"count": 3, "interval": 0.4})
        first = burst.json()["items"][0]
        listed = eventually(
            lambda: [each for each in api.get(path).json()["items"] if each["captured_at"] >= first["captured_at"]][2:],
            within=12,
            what="the burst's pictures are listed",
        )

    assert (keyframe.status_code, again.status_code, newer.status_code, burst.status_code) == (200, 200, 201, 202)
    assert keyframe.json()["key"] == again.json()["key"]
    assert captured(newer) > captured(keyframe)
    assert latest.json()["key"] == newer.json()["key"]
    assert [size["width"] for size in latest.json()["sizes"]] == [64]
    assert httpx.get(newer.json()["url"], follow_redirects=True).headers["Content-Type"] == "image/jpeg"
    assert listed[0]["key"] == first["key"]
    stack.wait_for_state(channel["id"], "interrupted", within=15)
    assert api.post(path).status_code == 409
