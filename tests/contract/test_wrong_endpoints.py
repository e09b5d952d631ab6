"""Addresses of AWS that are none: what is said names the variable to correct, whatever was asked."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.adapters import dynamodb_table, s3_bucket
from services.adapters.aws_endpoint import making_client
from services.adapters.dynamodb_state import DynamodbState
from services.adapters.s3_store import S3Store
from services.domain.errors import StateUnavailable, StoreUnavailable
from services.domain.session import Air
from tests.doubles.web_server import web_server
from tests.examples import a_channel, a_session

pytestmark = pytest.mark.usefixtures("emulators")  # their credentials; none of them is asked


def _read_state() -> None:
    with DynamodbState("streamkeep") as state:
        state.channels.get("camera")


def _read_states() -> None:
    with DynamodbState("streamkeep") as state:
        state.overview.of_channels(["camera"])


def _list_state() -> None:
    with DynamodbState("streamkeep") as state:
        state.channels.page(1)


def _write_state() -> None:
    with DynamodbState("streamkeep") as state:
        state.channels.add(a_channel())


def _write_states() -> None:
    with DynamodbState("streamkeep") as state:
        state.sessions.save(session=a_session(), air=Air(channel_id="camera").opened("session"))


def _prepare_table() -> None:
    dynamodb_table.prepare("streamkeep")


def _check_store() -> None:
    with closing(S3Store("streamkeep")) as store:
        store.check()


def _read_store() -> None:
    with closing(S3Store("streamkeep")) as store:
        store.read("hls/camera/live.m3u8")


def _write_store() -> None:
    with closing(S3Store("streamkeep")) as store:
        store.replace("hls/camera/live.m3u8", b"", etag=None)


def _prepare_bucket() -> None:
    s3_bucket.prepare("streamkeep")


STATE = [_read_state, _read_states, _list_state, _write_state, _write_states, _prepare_table]
STORE = [_check_store, _write_store, _prepare_bucket]
ALL = [*STATE, *STORE, _read_store]
UNAVAILABLE = (StateUnavailable, StoreUnavailable)


def refusal(ask: Callable[[], None]) -> str:
    with pytest.raises(UNAVAILABLE) as caught:
        ask()
    return str(caught.value)


@pytest.fixture(params=[400, 404, 405, 501])
def foreign(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let the usual variable lead to some other server, which refuses with this status."""
    status: int = request.param
    with web_server(status) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield status


@pytest.mark.parametrize("ask", [*STATE, *STORE])
@pytest.mark.usefixtures("foreign")
def test_a_server_that_is_none_of_aws_is_told_by_the_variable_that_leads_there(ask: Callable[[], None]) -> None:
    assert "AWS_ENDPOINT_URL" in refusal(ask)


@pytest.mark.usefixtures("foreign")
def test_preparing_does_not_say_that_preparing_helps() -> None:
    assert "streamkeep prepare" not in refusal(_prepare_bucket)


@pytest.mark.parametrize("ask", ALL)
def test_an_address_without_its_scheme_is_named_with_its_variables(
    ask: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:14566")
    service = "S3" if ask in (*STORE, _read_store) else "DYNAMODB"

    assert f"127.0.0.1:14566: correct AWS_ENDPOINT_URL_{service} or AWS_ENDPOINT_URL" in refusal(ask)


@pytest.mark.parametrize("ask", [_read_state, _prepare_table, _check_store, _prepare_bucket])
def test_a_region_that_is_none_is_named_and_no_endpoint(
    ask: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu central")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    said = refusal(ask)

    assert "the region is not one: correct AWS_REGION" in said
    assert "AWS_ENDPOINT_URL" not in said


@pytest.mark.parametrize("ask", [_read_state, _prepare_table, _check_store, _prepare_bucket])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_where_nobody_listens_is_told_by_its_variable(
    ask: Callable[[], None], scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.socket()) as unheard:
        unheard.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"{scheme}://127.0.0.1:{unheard.getsockname()[1]}")

        assert "it does not answer now, at the address in AWS_ENDPOINT_URL: is that right?" in refusal(ask)


@pytest.mark.parametrize("ask", [_read_state, _check_store])
def test_https_where_http_is_spoken_is_told_by_its_variable(
    ask: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server(404) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address.replace("http:", "https:"))

        assert "at the address in AWS_ENDPOINT_URL: is that right?" in refusal(ask)


@pytest.mark.parametrize("kind", [ValueError, UnicodeError])
def test_whatever_value_a_client_refuses_is_told_and_no_traceback(kind: type[ValueError], tmp_path: Path) -> None:
    with (
        pytest.raises(StoreUnavailable, match=f"S3: {tmp_path}: correct the AWS_ variables"),
        making_client(StoreUnavailable, "S3", "S3"),
    ):
        raise kind(tmp_path)
