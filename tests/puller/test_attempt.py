"""One try to fetch a source, over each protocol, against real servers and a real gateway."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from services.adapters.address_guard import AddressGuard
from services.domain.addresses import networks
from services.puller.attempt import Attempt, Outcome
from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.doubles.rtsp_server import rtsp_server
from tests.e2e.publisher import Publisher
from tests.gateway.nginx_process import free_ports
from tests.media import Clip, Media, run
from tests.processes import command
from tests.waiting import eventually

OPEN = AddressGuard(networks("127.0.0.0/8"))
RUNS_SECONDS = 12.0


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGateway]:
    with open_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


async def until_it_runs(gateway: OpenGateway, url: str, *, name: str) -> list[str]:
    """Fetch until media is published; give the command lines of the programs that do it, all of them in sandboxes."""
    running = asyncio.Event()

    async def runs() -> None:
        running.set()

    attempt = asyncio.create_task(Attempt(guard=OPEN, publish=f"{gateway.url}/{name}", runs=runs).made(url))
    try:
        async with asyncio.timeout(RUNS_SECONDS):
            waiting = asyncio.create_task(running.wait())
            await asyncio.wait([attempt, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        assert running.is_set(), attempt.result()
        programs = psutil.Process().children(recursive=True)
        readers = [each for each in programs if "services.puller.remux" in command(each)]
        assert [filtered_calls(each.pid) for each in readers] == [True]
        return [" ".join(command(each)) for each in programs]
    finally:
        attempt.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await attempt


def filtered_calls(pid: int) -> bool:
    """Say whether the kernel filters a process's system calls."""
    return "Seccomp:\t2\n" in Path(f"/proc/{pid}/status").read_text()


async def outcome(url: str, *, guard: AddressGuard = OPEN, publish: str = "rtmp://127.0.0.1:1/stream/x") -> Outcome:
    async def runs() -> None:
        raise AssertionError

    async with asyncio.timeout(RUNS_SECONDS):
        return await Attempt(guard=guard, publish=publish, runs=runs).made(url)


def test_a_camera_over_rtsp_is_published(gateway: OpenGateway, media: Media) -> None:
    with rtsp_server(media.file(Clip(b_frames=0))) as camera:
        url = camera.url.replace("rtsp://", "rtsp://viewer:s3cret@")
        commands = asyncio.run(until_it_runs(gateway, url, name="rtsp"))

    assert any(line.startswith("PLAY") for line in camera.asked)
    assert not any("s3cret" in line for line in commands if "services.puller" in line)


def test_a_camera_that_leads_elsewhere_is_not_followed(gateway: OpenGateway, media: Media) -> None:
    clip = media.file(Clip(b_frames=0))
    with rtsp_server(clip) as other, rtsp_server(clip, leads_to=other.url) as camera:
        ended = asyncio.run(outcome(camera.url, publish=f"{gateway.url}/redirected"))

    assert ended.cause == "source"
    assert "leads to another address" in ended.detail
    assert camera.asked
    assert other.asked == []


def test_srt_is_read_with_its_passphrase_which_no_command_line_shows(gateway: OpenGateway, media: Media) -> None:
    clip = media.file(Clip(form="mpegts"))
    port = free_ports(1)[0]
    sender = subprocess.Popen([
        "setpriv", "--pdeathsig", "KILL", "--", "ffmpeg", "-nostdin", "-v", "quiet", "-re", "-stream_loop", "-1",
        "-i", clip, "-c", "copy", "-f", "mpegts", f"srt://127.0.0.1:{port}?mode=listener&passphrase=s3cret-s3cret",
    ])  # fmt: skip
    eventually(lambda: not is_udp_free(port), what="it listens")
    try:
        url = f"srt://127.0.0.1:{port}?passphrase=s3cret-s3cret"
        commands = asyncio.run(until_it_runs(gateway, url, name="srt"))
    finally:
        sender.kill()
        sender.wait(RUNS_SECONDS)

    assert len([line for line in commands if "s3cret" in line]) == 1  # the sender's own


def is_udp_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@asynccontextmanager
async def tls_before(port: int, certificate: Path) -> AsyncIterator[int]:
    """Speak TLS in front of a port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer))
        finally:
            for each in (writer, inner[1]):
                each.transport.abort()

    async with await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of `localhost`, with its key."""
    path = tmp_path / "localhost.pem"
    run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", path,
    ])  # fmt: skip
    key = path.read_text()
    run(["openssl", "req", "-x509", "-key", path, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-out", tmp_path / "cert.pem"])  # fmt: skip
    path.write_text(key + (tmp_path / "cert.pem").read_text())
    return path


def test_rtmps_is_spoken_with_the_name_that_the_certificate_is_for(
    gateway: OpenGateway, media: Media, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    port = int(gateway.url.split(":")[2].split("/")[0])

    async def fetched() -> tuple[list[str], Outcome]:
        async with tls_before(port, certificate) as tls:
            right = await until_it_runs(gateway, f"rtmps://localhost:{tls}/stream/in", name="tls")
            return right, await outcome(f"rtmps://127.0.0.1:{tls}/stream/in")

    with Publisher(f"{gateway.url}/in", media.file(Clip())):
        commands, wrong = asyncio.run(fetched())

    assert not any("stream/in" in line for line in commands if "services.puller" in line)
    assert (wrong.cause, wrong.detail) == (
        "source",
        "its certificate is not valid for its name, or it speaks no TLS",
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("rtmp://127.0.0.1:1/app/name", "it takes no connection: Connection refused"),
        ("http://127.0.0.1:1/x.m3u8", "it takes no connection, or its certificate is not valid for its name"),
    ],
)
def test_a_source_that_is_away_is_told_without_its_address(url: str, said: str) -> None:
    assert asyncio.run(outcome(url)) == Outcome("source", said)


@pytest.mark.parametrize("scheme", ["rtmp", "rtmps", "rtsp", "http", "https", "srt"])
def test_an_address_inside_is_refused_whatever_the_protocol(scheme: str) -> None:
    ended = asyncio.run(outcome(f"{scheme}://127.0.0.1:9/x", guard=AddressGuard()))

    assert ended.cause == "source"
    assert "no public address" in ended.detail
