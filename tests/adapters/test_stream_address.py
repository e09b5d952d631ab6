"""How programs that read streams are led to their sources."""

from __future__ import annotations

import pytest

from services.adapters.address_guard import AddressGuard, AddressRefused
from services.adapters.srt_script import script
from services.adapters.stream_address import naming, options_of, reached_through
from services.domain.addresses import networks
from services.domain.errors import InvalidInput
from services.domain.source import require_source


@pytest.mark.parametrize(
    ("url", "reached", "tc_url"),
    [
        ("rtmp://live.example/app/name?k=1", "rtmp://127.0.0.1:7/app/name?k=1", "rtmp://live.example/app"),
        ("rtmps://u:p@live.example:444/a/b/c", "rtmp://u:p@127.0.0.1:7/a/b/c", "rtmps://live.example:444/a/b"),
        ("rtmp://h/app/mp4:dir/x", "rtmp://127.0.0.1:7/app/mp4:dir/x", "rtmp://h/app"),
        ("rtmp://h/ondemand/dir/x", "rtmp://127.0.0.1:7/ondemand/dir/x", "rtmp://h/ondemand"),
    ],
)
def test_an_rtmp_server_hears_its_own_name_through_the_relay(url: str, reached: str, tc_url: str) -> None:
    address = require_source(url)

    assert (reached_through(7, address), options_of(address)["rtmp_tcurl"]) == (reached, tc_url)


def test_rtsp_sends_its_media_through_the_relay_too() -> None:
    address = require_source("rtsp://u:p@cam.example/s")

    assert reached_through(7, address) == "rtsp://u:p@127.0.0.1:7/s"
    assert options_of(address)["rtsp_transport"] == "tcp"


def test_an_rtsp_server_hears_its_own_name_unless_a_digest_covers_it() -> None:
    named = naming(require_source("rtsp://u:p@cam.example:8554/s"), 7)
    signed = b"PLAY rtsp://127.0.0.1:7/s RTSP/1.0\r\nAuthorization: Digest x\r\n"

    assert named(b"PLAY rtsp://127.0.0.1:7/s RTSP/1.0\r\n") == b"PLAY rtsp://cam.example:8554/s RTSP/1.0\r\n"
    assert named(signed) == signed


def test_srt_is_told_the_checked_address_and_what_was_asked_of_the_stream() -> None:
    guard = AddressGuard(networks("127.0.0.0/8"))
    address = require_source("srt://localhost:9000?mode=caller&passphrase=a%27b&streamid=%23!::r=x")

    told = script(guard, address, connect_ms=3000, silent_ms=6000).decode().splitlines()

    assert told == [
        "ffconcat version 1.0",
        "file 'srt://127.0.0.1:9000?mode=caller'",
        "option connect_timeout '3000'",
        "option timeout '6000000'",
        r"option passphrase 'a'\''b'",
        "option streamid '#!::r=x'",
    ]


@pytest.mark.parametrize("query", ["mode=listener", "localaddr=0.0.0.0", "adapter=x", "streamid=a%0Aoption%20x"])
def test_srt_that_asks_for_more_than_a_stream_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput, match="source_url"):
        require_source(f"srt://h:9000?{query}")


def test_srt_to_a_private_address_is_refused() -> None:
    with pytest.raises(AddressRefused):
        script(AddressGuard(), require_source("srt://127.0.0.1:9000"), connect_ms=1)
