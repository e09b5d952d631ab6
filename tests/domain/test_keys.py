from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import keys
from services.domain.artifact import Kind
from tests.examples import NOW

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 250_000_000_000_000).map(lambda milliseconds: EPOCH + timedelta(milliseconds=milliseconds))
DATED = st.sampled_from([Kind.SNAPSHOT, Kind.RECORDING])


@given(DATED, MOMENTS)
def test_a_dated_key_gives_its_capture_time_back(kind: Kind, moment: datetime) -> None:
    assert keys.captured_at(keys.dated(kind, "camera", "session", moment)) == moment


@given(DATED, st.lists(MOMENTS, min_size=2))
def test_listing_order_of_dated_keys_is_time_order(kind: Kind, moments: list[datetime]) -> None:
    made = {keys.dated(kind, "camera", "session", moment): moment for moment in moments}

    assert [made[key] for key in sorted(made)] == sorted(set(moments))


@given(st.lists(st.integers(0, 999_999_999), min_size=2, unique=True))
def test_listing_order_of_segments_is_media_order(numbers: list[int]) -> None:
    made = {keys.segment("camera", "session", number): number for number in numbers}

    assert [made[key] for key in sorted(made)] == sorted(numbers)


@given(st.lists(st.integers(0, 999_999), min_size=2, unique=True))
def test_listing_order_of_chunks_is_their_order(numbers: list[int]) -> None:
    made = {keys.chunk("camera", "session", number): number for number in numbers}

    assert [made[key] for key in sorted(made)] == sorted(numbers)


def test_keys_are_as_the_documentation_has_them() -> None:
    moment = NOW + timedelta(milliseconds=7)

    assert [
        keys.dated(Kind.SNAPSHOT, "camera", "session", moment),
        keys.dated(Kind.RECORDING, "camera", "session", moment),
        keys.latest_snapshot("camera"),
        keys.live_playlist("camera"),
        keys.vod_playlist("camera", "session"),
        keys.segment("camera", "session", 12),
        keys.head("camera", "session"),
        keys.chunk("camera", "session", 3),
    ] == [
        "snapshots/camera/2026/11/20/10/session/20261120T100000.007Z.jpg",
        "recordings/camera/2026/11/20/10/session/20261120T100000.007Z.mp4",
        "snapshots/camera/latest.jpg",
        "hls/camera/live.m3u8",
        "hls/camera/session/vod.m3u8",
        "hls/camera/session/000000012.ts",
        "sessions/camera/session/head.json",
        "sessions/camera/session/chunk-000003.json",
    ]


def test_a_dated_key_is_in_utc_whatever_the_zone_of_its_time() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-11)))

    assert keys.dated(Kind.SNAPSHOT, "c", "s", elsewhere) == keys.dated(Kind.SNAPSHOT, "c", "s", NOW)


@pytest.mark.parametrize(
    "key", ["snapshots/c/latest.jpg", "hls/c/s/000000001.ts", "hls/c/live.m3u8", "sessions/c/s/head.json", "", "x"]
)
def test_a_key_that_is_not_dated_has_no_capture_time(key: str) -> None:
    with pytest.raises(ValueError, match="does not match format"):
        keys.captured_at(key)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/x.jpg", "image/jpeg"),
        ("a/x.mp4", "video/mp4"),
        ("a/x.ts", "video/mp2t"),
        ("a/live.m3u8", "application/vnd.apple.mpegurl"),
        ("a/head.json", "application/json"),
        ("a/x.exe", "application/octet-stream"),
    ],
)
def test_an_objects_media_type_follows_from_its_keys_ending(key: str, kind: str) -> None:
    assert keys.media_type(key) == kind


@pytest.mark.parametrize("key", ["hls/c/live.m3u8", "sessions/c/s/head.json", "snapshots/c/latest.jpg"])
def test_what_changes_in_place_is_not_cached(key: str) -> None:
    assert keys.cache_control(key) == "no-cache"


def test_media_is_cached_for_a_year_by_the_viewer_only() -> None:
    key = keys.dated(Kind.SNAPSHOT, "camera", "session", NOW)

    assert keys.cache_control(key) == "private, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("recordings/camera/2026/11/20/10/s/20261120T100000.000Z.mp4", "camera-20261120T100000.000Z.mp4"),
        ("snapshots/camera/latest.jpg", "camera-latest.jpg"),
        ('hls/came"ra\r\n/live.m3u8', "came_ra__-live.m3u8"),
        ("strange", "strange"),
    ],
)
def test_an_object_is_saved_under_a_name_that_every_system_takes(key: str, name: str) -> None:
    assert keys.file_name(key) == name
