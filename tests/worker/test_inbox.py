"""What the picture child holds of what comes faster than it can be looked at."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from av.packet import Packet

from services.worker.pictures.inbox import BURST_BYTES, BURST_PACKETS, END, Inbox
from services.worker.pictures.tap import Arrival
from tests.media import run

ROOT = Path(__file__).parent.parent.parent
MEGABYTE = 2**20


def packets(count: int, size: int) -> list[Arrival]:
    return [Arrival(Packet(size), pts=float(number), at=float(number)) for number in range(count)]


def filled(arrivals: list[Arrival]) -> Inbox:
    inbox = Inbox()
    for arrival in arrivals:
        inbox.put(arrival)
    return inbox


def test_a_burst_ends_where_its_bytes_are_too_many() -> None:
    inbox = filled(packets(2 * BURST_BYTES // MEGABYTE, MEGABYTE))

    assert sum(arrival.packet.size for arrival in inbox.burst()) == BURST_BYTES


def test_a_burst_ends_where_its_packets_are_too_many() -> None:
    assert len(filled(packets(BURST_PACKETS + 1, 10)).burst()) == BURST_PACKETS


def test_a_burst_is_no_longer_than_is_asked_for_nor_than_what_comes() -> None:
    inbox = filled(packets(3, 10))
    inbox.put(END)

    assert len(inbox.burst(1)) == 1
    assert len(inbox.burst()) == 3


def test_what_a_burst_has_shown_is_all_given_again_in_its_order() -> None:
    arrivals = packets(5, 10)
    inbox = filled(arrivals)
    inbox.put(END)
    inbox.burst()
    inbox.burst(2)

    assert [inbox.take() for _ in range(6)] == [*arrivals, END]


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a second of video, 4 MB: what is all noise is coded as it is."""
    path = tmp_path_factory.mktemp("noise") / "second.flv"
    source = ["-f", "lavfi", "-i", "color=gray:s=640x360:r=25,noise=alls=100:allf=t", "-t", "1"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "32M", "-minrate", "32M", "-maxrate", "32M"]
    run(["ffmpeg", "-v", "error", *source, *coded, "-bufsize", "8M", "-g", "25", "-f", "flv", str(path)])
    return path


def most_memory(second: Path, seconds: int, folder: Path) -> int:
    """Give the most memory that a replay of so many seconds held at once, in bytes."""
    folder.mkdir()
    replay = folder / "replay.flv"
    run(["ffmpeg", "-v", "error", "-stream_loop", str(seconds - 1), "-i", str(second), "-c", "copy", str(replay)])
    program = (
        "import pathlib, sys; from services.worker.pictures import picture; picture.main();"
        "sys.stderr.write(pathlib.Path('/proc/self/status').read_text())"
    )
    argv = [sys.executable, "-c", program, "--folder", str(folder), "--replay", str(replay), "--anchor", "1000"]
    ran = subprocess.run([*argv, "--interval", "10"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert len(re.findall('"event": "keyframe"', ran.stdout)) == seconds
    told = re.search(r"VmHWM:\s+(\d+) kB", ran.stderr)
    assert told is not None
    return int(told[1]) * 1024


def test_a_long_replay_takes_hardly_more_memory_than_a_short_one(second: Path, tmp_path: Path) -> None:
    assert second.stat().st_size > 3 * MEGABYTE
    short, long = (most_memory(second, seconds, tmp_path / str(seconds)) for seconds in (4, 36))

    assert long - short < 16 * MEGABYTE, "of the 100 MB and more that are between them"
