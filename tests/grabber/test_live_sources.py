from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.doubles.open_gateway import open_gateway
from tests.doubles.rtsp_server import rtsp_server
from tests.gateway.nginx_process import free_ports
from tests.gateway.publisher import Publisher
from tests.grabber.service import Service
from tests.media import WIDTH

PASSPHRASE = "a-long-passphrase"


def test_a_picture_of_an_rtmp_stream(service: Service, clip: Path, tmp_path: Path) -> None:
    with open_gateway(tmp_path) as gateway, Publisher(f"{gateway.url}/live?token=x", clip):
        told = service.told(f"{gateway.url}/live?token=x")

    assert told["width"] == WIDTH


def test_a_picture_of_an_rtsp_stream(service: Service, clip: Path) -> None:
    with rtsp_server(clip) as server:
        told = service.told(server.url)

    assert told["width"] == WIDTH
    assert all(server.url in line for line in server.asked)


def test_an_rtsp_redirect_is_not_followed(service: Service, clip: Path) -> None:
    with rtsp_server(clip) as inside, rtsp_server(clip, leads_to=inside.url) as server:
        answer = service.ask(server.url)

    assert answer.status_code == 502
    assert "redirect" in answer.json()["detail"]
    assert inside.asked == []


@contextmanager
def _srt(clip: Path) -> Iterator[str]:
    port = free_ports(1)[0]
    url = f"srt://127.0.0.1:{port}?mode=listener&passphrase={PASSPHRASE}"
    argv = ["ffmpeg", "-nostdin", "-v", "quiet", "-re", "-i", str(clip), "-c", "copy", "-f", "mpegts", url]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as sender:
        try:
            yield f"srt://127.0.0.1:{port}?passphrase={PASSPHRASE}"
        finally:
            sender.kill()


def test_a_picture_of_an_srt_stream(service: Service, clip: Path) -> None:
    with _srt(clip) as url:
        told = service.told(url)

    assert told["width"] == WIDTH


def test_an_srt_address_that_asks_for_more_than_a_stream_is_refused(service: Service) -> None:
    answer = service.ask("srt://127.0.0.1:9000?mode=listener")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "source_url")


@pytest.mark.parametrize("scheme", ["rtmp", "rtsp"])
def test_what_takes_no_connection_is_told_at_once(service: Service, scheme: str) -> None:
    answer = service.ask(f"{scheme}://127.0.0.1:{free_ports(1)[0]}/live/x")

    assert answer.status_code == 502
