from __future__ import annotations

import pytest

from services.domain.errors import InvalidInput
from services.domain.source import LENGTH_MAX, masked, require_source, unmasked
from tests.examples import a_channel


@pytest.mark.parametrize(
    "url",
    [
        "rtmp://live.example/app/name",
        "rtmps://user:pass@live.example:443/app/name?token=1",
        "rtsp://[2001:db8::1]:8554/cam",
        "srt://198.51.100.7:9000?streamid=x&passphrase=y",
        "https://cdn.example/live.m3u8",
    ],
)
def test_an_address_that_can_be_fetched_is_taken(url: str) -> None:
    assert a_channel(source_url=url).source_url == url


@pytest.mark.parametrize(
    "url",
    [
        "live.example/app",
        "file:///etc/passwd",
        "concat:a|b",
        "rtmp://",
        "rtmp:///app/name",
        "rtmp://live.example:0/app",
        "rtmp://live.example:99999/app",
        "srt://live.example",
        "rtmp://live.example/app name",
        "rtmp://live.example/app\nfile 'x'",
        "http://live.example/'x",
        "http://live.example/ü",
        "http://[::1/x",
        "rtsp://***@cam.example/x",
        "http://live.example/" + "x" * LENGTH_MAX,
    ],
)
def test_any_other_is_refused_by_its_fields_name(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_source(url)

    assert refused.value.field == "source_url"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmp://live.example/app/name", "rtmp://live.example/app/name"),
        ("rtsp://admin:pw@cam.example:554/s?x=1&token=abc", "rtsp://***@cam.example:554/s?x=***&token=***"),
        ("https://cdn.example/a.m3u8?secret", "https://cdn.example/a.m3u8?***"),
        ("", ""),
    ],
)
def test_credentials_are_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_what_is_sent_back_as_it_was_shown_stays() -> None:
    kept = "rtsp://admin:pw@cam.example/s"

    assert unmasked(masked(kept), kept) == kept
    assert unmasked("rtsp://***@other.example/s", kept) == "rtsp://***@other.example/s"
    assert unmasked("", kept) == ""
