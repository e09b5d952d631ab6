"""The process that carries a stream over, against a real gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.puller.probing import FED
from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.media import Clip, Media, run

DEADLINE_SECONDS = 20.0


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGateway]:
    with open_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def carried(publish: str, stream: bytes) -> list[dict[str, Any]]:
    """Let it publish a stream from its standard input, and give what it told."""
    given = json.dumps({"publish": publish, "options": FED}).encode() + b"\n" + stream
    command = [sys.executable, "-m", "services.puller.remux"]
    told = subprocess.run(command, input=given, capture_output=True, check=True, timeout=DEADLINE_SECONDS)
    assert told.stderr == b""
    return [json.loads(line) for line in told.stdout.splitlines()]


def packets(path: Path) -> list[tuple[str, float]]:
    """Give each packet's kind and time."""
    shown = run(["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,dts_time", "-of", "json", path])
    return [(each["codec_type"], float(each["dts_time"])) for each in json.loads(shown)["packets"]]


def streams(path: Path) -> list[str]:
    shown = run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "json", path])
    return [each["codec_name"] for each in json.loads(shown)["streams"]]


@pytest.fixture
def transport(media: Media, tmp_path: Path) -> Path:
    """MPEG-TS with sound that FLV has no place for."""
    path = tmp_path / "mp2.ts"
    clip = media.file(Clip(seconds=2, gop_seconds=1))
    run(["ffmpeg", "-v", "error", "-i", clip, "-c:v", "copy", "-c:a", "mp2", "-f", "mpegts", path])
    return path


def test_video_is_copied_and_other_sound_becomes_aac(gateway: OpenGateway, transport: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.flv"
    player = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-v", "error", "-rw_timeout", "5000000", "-i", f"{gateway.url}/kept", "-c", "copy", kept]
    )
    assert gateway.listening.wait(DEADLINE_SECONDS)

    told = carried(f"{gateway.url}/kept", transport.read_bytes())
    player.terminate()
    player.wait(DEADLINE_SECONDS)

    assert told[0] == {"event": "opened", "streams": "h264 320x180, mp2"}
    assert told[-1] == {"event": "over", "cause": "ended", "detail": "it ended"}
    assert streams(kept) == ["h264", "aac"]


def test_a_stream_that_begins_to_count_anew_goes_on(gateway: OpenGateway, transport: Path) -> None:
    told = carried(f"{gateway.url}/twice", transport.read_bytes() * 2)

    running = [each for each in told if each["event"] == "running"]
    assert running[-1]["seconds"] > 2.5
    assert running[-1]["jumps"] == 1


def test_other_video_is_refused_by_its_name(gateway: OpenGateway, media: Media) -> None:
    stream = media.file(Clip(codec="hevc", form="mpegts", seconds=2)).read_bytes()

    (told,) = carried(f"{gateway.url}/hevc", stream)

    assert told == {"event": "over", "cause": "unsupported", "detail": "its video is hevc; only H.264 can be captured"}


def test_what_is_no_stream_is_no_source(gateway: OpenGateway) -> None:
    (told,) = carried(f"{gateway.url}/noise", b"<html>" * 1000)

    assert told == {"event": "over", "cause": "source", "detail": "it is no media that can be read"}


SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
CONCAT = b"ffconcat version 1.0\nfile whole.ts\n"


@pytest.mark.parametrize("stream", [SDP, CONCAT], ids=["sdp", "concat"])
def test_what_describes_other_places_opens_none_of_them(gateway: OpenGateway, stream: bytes) -> None:
    told = carried(f"{gateway.url}/led", stream)

    assert told == [{"event": "over", "cause": "source", "detail": "it is no media that can be read"}]


def test_a_gateway_that_refuses_is_told_from_a_source_that_fails(transport: Path) -> None:
    (told,) = carried("rtmp://127.0.0.1:1/stream/x", transport.read_bytes())

    assert (told["event"], told["cause"]) == ("over", "gateway")
