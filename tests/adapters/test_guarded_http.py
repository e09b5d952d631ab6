from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.adapters.address_guard import AddressGuard, AddressRefused, NotConnected
from services.adapters.deadline import Deadline
from services.adapters.fetch_errors import BadAnswer, FetchFailed, TooLarge, TooSlow
from services.adapters.guarded_http import REDIRECTS_MAX, GuardedHttp
from services.domain.addresses import networks
from services.domain.errors import InvalidInput
from tests.doubles.sources import BOMB, DRIP, DRIP_HEAD, ENDLESS, SourceServer, source_server

LOOPBACK = networks("127.0.0.0/8")
SOON = 5.0


@pytest.fixture
def web(tmp_path: Path) -> Iterator[SourceServer]:
    with source_server(tmp_path) as server:
        server.bodies["/x"] = b"hello"
        yield server


@pytest.fixture
def http() -> Iterator[GuardedHttp]:
    client = GuardedHttp(AddressGuard(LOOPBACK))
    yield client
    client.close()


def _get(http: GuardedHttp, url: str, seconds: float = SOON, most: int = 1000) -> bytes:
    return http.get(url, deadline=Deadline.after(seconds), max_bytes=most).body


def test_a_name_is_resolved_and_kept_as_the_host_header(http: GuardedHttp, web: SourceServer) -> None:
    assert _get(http, f"http://localhost:{web.port}/x") == b"hello"
    assert web.asked[0][1] == f"localhost:{web.port}"


def test_redirects_are_followed_to_a_bounded_number(http: GuardedHttp, web: SourceServer) -> None:
    for number in range(REDIRECTS_MAX + 1):
        web.redirects[f"/{number}"] = f"/{number + 1}" if number < REDIRECTS_MAX else "/x"

    assert _get(http, web.url("1")) == b"hello"
    with pytest.raises(FetchFailed, match="redirects"):
        _get(http, web.url("0"))


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "//169.254.169.254/"]
)
def test_a_redirect_is_guarded_like_the_address_itself(http: GuardedHttp, web: SourceServer, target: str) -> None:
    web.redirects["/moved"] = target

    with pytest.raises(InvalidInput):
        _get(http, web.url("moved"))


def test_credentials_of_an_address_do_not_follow_a_redirect(http: GuardedHttp, web: SourceServer) -> None:
    web.redirects["/moved"] = web.url("x").replace("127.0.0.1", "localhost")

    _get(http, web.url("moved").replace("//", "//user:secret@"))

    assert [bool(heard[3]) for heard in web.asked] == [True, False]


@pytest.mark.parametrize("path", [DRIP, DRIP_HEAD])
def test_a_drip_of_bytes_does_not_outlast_the_deadline(http: GuardedHttp, web: SourceServer, path: str) -> None:
    with pytest.raises(TooSlow):
        _get(http, web.url(path), seconds=0.3)


@pytest.mark.parametrize("path", [ENDLESS, BOMB])
def test_no_more_is_read_than_is_taken(http: GuardedHttp, web: SourceServer, path: str) -> None:
    with pytest.raises(TooLarge):
        _get(http, web.url(path), most=1_000_000)


def test_a_status_that_is_no_success_is_told(http: GuardedHttp, web: SourceServer) -> None:
    with pytest.raises(BadAnswer, match="404"):
        _get(http, web.url("nothing"))


def test_proxies_of_the_environment_are_not_asked(web: SourceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    client = GuardedHttp(AddressGuard(LOOPBACK))

    assert _get(client, web.url("x")) == b"hello"
    client.close()


def test_a_failure_says_nothing_of_the_address(http: GuardedHttp) -> None:
    with pytest.raises(FetchFailed) as caught:
        _get(http, "http://user:secret@127.0.0.1:9/path?token=secret")

    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_the_guard_connects_only_where_it_may() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        AddressGuard(LOOPBACK).connect("localhost", port).close()
        with pytest.raises(AddressRefused, match="STREAMKEEP_ALLOWED_NETWORKS"):
            AddressGuard().connect("localhost", port)
    with pytest.raises(NotConnected):
        AddressGuard(LOOPBACK).connect("127.0.0.1", port, seconds=1)
