from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import channel as channels
from services.domain import ids
from services.domain.errors import InvalidInput
from tests.examples import NOW, a_channel


def test_a_channel_left_as_it_is_has_the_documented_settings() -> None:
    channel = a_channel()

    assert (channel.enabled, channel.is_image, channel.is_video, channel.is_hls, channel.is_on_demand) == (
        True,
        True,
        True,
        True,
        True,
    )
    assert (channel.image_time, channel.video_time, channel.hls_time, channel.hls_list_size) == (10, 60, 2, 6)
    assert channel.reconnect_window == 180


@pytest.mark.parametrize("field", channels.NUMBERS)
def test_a_number_at_either_end_of_its_range_is_accepted(field: str) -> None:
    span = channels.NUMBERS[field]

    for value in (span.low, span.high, span.default):
        assert getattr(a_channel(**{field: value}), field) == value


@pytest.mark.parametrize("field", channels.NUMBERS)
def test_a_number_outside_its_range_is_refused_by_name_with_the_range(field: str) -> None:
    span = channels.NUMBERS[field]

    for value in (math.nextafter(span.low, -1), math.nextafter(span.high, math.inf), -1, math.inf, math.nan):
        with pytest.raises(InvalidInput, match=f"^{field}: must be {span.low:g} to {span.high:g} {span.unit}$"):
            a_channel(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 201),
        ("description", "x" * 2_001),
        ("labels", {f"label {number}": "" for number in range(21)}),
        ("labels", {"x" * 201: ""}),
        ("labels", {"x": "x" * 201}),
        ("outdate", datetime(2030, 12, 9)),  # noqa: DTZ001 - the case
        ("id", "../etc"),
        ("image_sizes", (160, 320, 480, 640, 800, 960)),
        ("image_sizes", (15,)),
        ("image_sizes", (3_841,)),
        ("image_sizes", (640, 320)),
        ("image_sizes", (320, 320)),
    ],
    ids=[
        "name",
        "description",
        "labels",
        "label name",
        "label value",
        "naive time",
        "id",
        "too many sizes",
        "too narrow",
        "too wide",
        "sizes out of order",
        "a size twice",
    ],
)
def test_an_impossible_value_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        a_channel(**{field: value})

    assert caught.value.field == field


def test_the_longest_texts_are_accepted() -> None:
    labels = {f"{number:0200}": "x" * 200 for number in range(20)}

    assert a_channel(name="x" * 200, description="x" * 2_000, labels=labels).labels == labels


def test_a_change_gives_the_next_version_and_says_when() -> None:
    later = NOW + timedelta(hours=1)

    changed = a_channel().changed(later, name="new")

    assert (changed.name, changed.version, changed.updated_at, changed.created_at) == ("new", 2, later, NOW)


def test_an_impossible_change_is_refused() -> None:
    with pytest.raises(InvalidInput, match="image_time"):
        a_channel().changed(NOW, image_time=0)


@given(st.text())
def test_an_id_is_a_safe_name_or_is_refused(text: str) -> None:
    if ids.is_id(text):
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
        assert 1 <= len(text) <= 64
        assert text[0] not in "-_"
    else:
        with pytest.raises(InvalidInput, match=r"^channel_id: "):
            ids.require_id("channel_id", text)


@pytest.mark.parametrize("text", ["a", "A-b_9", "0", "a" * 64])
def test_a_safe_name_is_an_id(text: str) -> None:
    assert ids.require_id("id", text) == text


@pytest.mark.parametrize("text", ["", "a" * 65, "-a", "_a", ".", "..", "a/b", "a b", "a\n", "é", "a\0", "a.b"])
def test_any_other_name_is_no_id(text: str) -> None:
    assert not ids.is_id(text)
