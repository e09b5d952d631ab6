"""A worker that is asked to go: whom it asks for a successor, how long it waits, and how long it ships."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from services.domain.clock import SystemClock
from services.domain.gateways import Gateway
from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.serving import serving
from tests.waiting import eventually
from tests.worker.a_worker import CHANNEL, SESSION, AWorker, publishing

ASKED = [(f"/sessions/{SESSION}/successor", "Bearer pull")]
CLIP = Clip(seconds=30, gop_seconds=1)
NEVER = "http://127.0.0.1:1"


class CallbackApp(ThreadingHTTPServer):
    """Takes every call, and remembers it with its token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: CallbackApp

    def do_POST(self) -> None:
        self.server.calls.append((self.path, self.headers["Authorization"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def app() -> Iterator[CallbackApp]:
    with CallbackApp() as app, serving(app):
        yield app


def a_gateway(gateway: OpenGateway, app: CallbackApp) -> Gateway:
    """The gateway that has the publisher, by its row."""
    return Gateway(name="gw/1", seen_at=SystemClock().now(), pull_url=gateway.url, control_url=app.url)


def begun(worker: AWorker) -> None:
    """Wait until it captures and can be reached."""
    worker.wait_for_segments(1)
    eventually(lambda: control_url(worker), what="its address")


def control_url(worker: AWorker) -> str:
    lease = worker.state.leases.get(SESSION)
    return "" if lease is None else lease.control_url


def test_the_gateway_that_has_the_publisher_is_asked_for_a_successor_and_capture_goes_on_while_none_comes(
    tmp_path: Path, gateway: OpenGateway, media: Media, app: CallbackApp
) -> None:
    variables = {"STREAMKEEP_CALLBACK_URL": NEVER, "STREAMKEEP_HAND_OVER_SECONDS": "3"}
    with AWorker(tmp_path, gateway, **variables) as worker, publishing(media.file(CLIP), gateway):
        worker.state.gateways.put(a_gateway(gateway, app))
        worker.on_air()
        begun(worker)
        asked, segments = time.monotonic(), worker.segments()
        worker.signal(signal.SIGTERM)
        code = worker.wait(15)
        took = time.monotonic() - asked

        assert app.calls == ASKED
        assert code == 0
        assert worker.said("no_successor")
        assert 3 <= took < 9
        assert worker.segments() >= segments + 2


def test_without_a_gateways_row_the_one_of_this_machine_is_asked_and_a_second_sigterm_waits_for_nobody(
    tmp_path: Path, gateway: OpenGateway, media: Media, app: CallbackApp
) -> None:
    variables = {"STREAMKEEP_CALLBACK_URL": app.url, "STREAMKEEP_HAND_OVER_SECONDS": "90"}
    with AWorker(tmp_path, gateway, **variables) as worker, publishing(media.file(CLIP), gateway):
        worker.on_air()
        begun(worker)
        worker.signal(signal.SIGTERM)
        eventually(lambda: app.calls, what="it asks for a successor")
        worker.signal(signal.SIGTERM)

        assert worker.wait(8) == 0
        assert app.calls == ASKED
        assert not worker.said("left_in_spool")


def test_what_no_store_takes_in_time_stays_in_the_spool(tmp_path: Path, gateway: OpenGateway, media: Media) -> None:
    variables = {"STREAMKEEP_STOP_SECONDS": "1", "STREAMKEEP_HAND_OVER_SECONDS": "0"}
    with AWorker(tmp_path, gateway, **variables) as worker, publishing(media.file(CLIP), gateway):
        worker.on_air()
        begun(worker)
        (tmp_path / "objects").rename(tmp_path / "gone")
        (tmp_path / "objects").write_bytes(b"no folder")
        asked = time.monotonic()
        worker.signal(signal.SIGTERM)

        assert worker.wait(8) == 0
        assert 1 <= time.monotonic() - asked < 7
        assert worker.said("left_in_spool")
        assert list((worker.spool / SESSION).glob("e*/*.ts"))


def test_state_is_read_as_often_as_is_asked_for_and_at_once_when_the_worker_is_told(
    tmp_path: Path, gateway: OpenGateway, media: Media
) -> None:
    with (
        AWorker(tmp_path, gateway, STREAMKEEP_REREAD_SECONDS="60") as worker,
        publishing(media.file(CLIP), gateway),
    ):
        worker.on_air()
        begun(worker)
        # The minute's one reading may fall into a wait, not into two; the default would read in each.
        unread = next((each for each in (7, 8) if not is_read_by_itself(worker, image_time=each)), None)
        known = len(worker.said("images_changed"))
        httpx.post(f"{control_url(worker)}/refresh", headers={"Authorization": "Bearer pull"}).raise_for_status()

        assert unread
        eventually(lambda: len(worker.said("images_changed")) > known, within=3, what="it reads")


def is_read_by_itself(worker: AWorker, *, image_time: int) -> bool:
    """Change the channel and say whether the worker reads it in 2.5 s although nobody tells it."""
    channel = worker.state.channels.get(CHANNEL)
    before = len(worker.said("images_changed"))
    worker.state.channels.replace(channel.changed(SystemClock().now(), image_time=image_time))
    assert worker.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        worker.process.wait(2.5)
    return len(worker.said("images_changed")) > before
