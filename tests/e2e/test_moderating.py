"""The consumer in docs/events.md, run as it stands there."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.domain import times
from tests.e2e.publisher import Publisher
from tests.e2e.stack import TOKEN, Stack
from tests.gateway.nginx_process import free_ports
from tests.local.running import free_offset
from tests.media import run
from tests.waiting import eventually

DOCS = Path(__file__).parents[2] / "docs/events.md"
LINES_MOST = 30
CUT_SECONDS = 3.0
SECRET = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def the_consumer() -> str:
    found = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def turning_black(tmp_path: Path) -> Path:
    """A stream that shows something for 4 s and is black from then on, a keyframe each second."""
    path = tmp_path / "turning-black.flv"
    picture = "testsrc2=size=320x180:rate=25:duration=4[a];color=black:size=320x180:rate=25:duration=20[b];[a][b]concat"
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0"]
    run(["ffmpeg", "-nostdin", "-v", "error", "-filter_complex", picture, *encoder, path])
    return path


@pytest.fixture
def moderated(tmp_path: Path) -> Iterator[Stack]:
    """A stack that tells the consumer, and the consumer beside it."""
    (port,) = free_ports(1)
    code = tmp_path / "consumer.py"
    code.write_text(the_consumer())
    sinks = f'[{{"name": "moderation", "url": "http://127.0.0.1:{port}", "secret": "{SECRET}"}}]'
    with Stack(tmp_path / "data", free_offset(), variables={"STREAMKEEP_SINKS": sinks}) as stack:
        consumer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, str(code)],
            env={**os.environ, "SECRET": SECRET, "TOKEN": TOKEN, "API": str(stack.api.base_url), "PORT": str(port)},
            stderr=subprocess.DEVNULL,
        )
        yield stack
        consumer.kill()
        consumer.wait(5)


def test_a_publisher_whose_picture_turns_black_is_cut_by_the_consumer(moderated: Stack, turning_black: Path) -> None:
    channel = moderated.create(image_time=1)
    with Publisher(channel["publish"]["url"], turning_black, loop=False) as publisher:
        publisher.wait(within=20)
        cut_at = time.time()

    blocked = moderated.channel(channel["id"])
    (first, *_) = eventually(lambda: black(moderated, channel["id"]), within=5, what="the black picture is listed")
    seconds = cut_at - times.parse(first).timestamp()
    print(f"publisher cut {seconds:.2f} s after the capture of the bad picture")
    assert (blocked["state"], blocked["state_reason"]["detail"]) == ("blocked", "black")
    assert 0 < seconds <= CUT_SECONDS


def black(stack: Stack, channel_id: str) -> list[str]:
    """Give when the black pictures were captured, the first one first."""
    items = stack.api.get(f"/channels/{channel_id}/snapshots").raise_for_status().json()["items"]
    return sorted(item["captured_at"] for item in items if "black" in (item.get("flags") or []))


def test_the_consumer_is_as_short_as_promised() -> None:
    assert len([line for line in the_consumer().splitlines() if line.strip()]) <= LINES_MOST
