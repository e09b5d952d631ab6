from __future__ import annotations

import pytest

from services.adapters.address_guard import AddressGuard, AddressRefused
from services.domain.addresses import networks
from services.domain.source import require_source
from services.puller.addresses import reached_through
from services.puller.srt_feed import script


@pytest.mark.parametrize(
    ("url", "reached", "tc_url"),
    [
        ("rtmp://live.example/app/name?k=1", "rtmp://127.0.0.1:7/app/name?k=1", "rtmp://live.example/app"),
        ("rtmps://u:p@live.example:444/a/b/c", "rtmp://u:p@127.0.0.1:7/a/b/c", "rtmps://live.example:444/a/b"),
    ],
)
def test_an_rtmp_server_hears_its_own_name_through_the_relay(url: str, reached: str, tc_url: str) -> None:
    address, options = reached_through(7, require_source(url))

    assert (address, options["rtmp_tcurl"]) == (reached, tc_url)


def test_rtsp_sends_its_media_through_the_relay_too() -> None:
    address, options = reached_through(7, require_source("rtsp://u:p@cam.example/s"))

    assert (address, options["rtsp_transport"]) == ("rtsp://u:p@127.0.0.1:7/s", "tcp")


def test_srt_is_told_the_checked_address_and_nothing_that_leads_elsewhere() -> None:
    guard = AddressGuard(networks("127.0.0.0/8"))
    address = require_source("srt://localhost:9000?mode=listener&passphrase=a%27b&localaddr=0.0.0.0&adapter=x")

    told = script(guard, address).decode()

    assert "srt://127.0.0.1:9000?mode=caller&" in told
    assert "passphrase=a%27b" in told
    assert told.count("'") == 2
    assert "listener" not in told
    assert "localaddr" not in told


def test_srt_to_a_private_address_is_refused() -> None:
    with pytest.raises(AddressRefused):
        script(AddressGuard(), require_source("srt://127.0.0.1:9000"))
