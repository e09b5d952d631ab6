from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from services.local.picture import picture_publisher


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of the very picture that is published, written to a file and not in real time."""
    path = tmp_path_factory.mktemp("picture") / "demo.flv"
    argv = picture_publisher("rtmp://127.0.0.1/stream", "demo?sign=1-abc").argv
    command = [part for part in argv[argv.index("ffmpeg") : -3] if part != "-re"]
    subprocess.run([*command, "-t", "3", str(path)], check=True, timeout=60)
    return path


def _probe(path: Path, *wanted: str) -> list[str]:
    argv = ["ffprobe", "-v", "error", *wanted, "-of", "csv=p=0", str(path)]
    return subprocess.run(argv, check=True, timeout=60, capture_output=True, text=True).stdout.split()


def test_the_picture_is_720p30_with_sound(recorded: Path) -> None:
    streams = _probe(recorded, "-show_entries", "stream=codec_name,width,height,r_frame_rate")

    assert sorted(streams) == ["aac,0/0", "h264,1280,720,30/1"]


def test_the_picture_has_a_keyframe_every_two_seconds(recorded: Path) -> None:
    times = _probe(
        recorded, "-select_streams", "v", "-skip_frame", "nokey", "-show_entries", "frame=best_effort_timestamp_time"
    )

    first, second = (float(time.rstrip(",")) for time in times)
    assert second - first == pytest.approx(2, abs=0.05)


def test_every_spelling_of_the_stream_key_is_hidden() -> None:
    program = picture_publisher("rtmp://127.0.0.1/stream", "demo?sign=1-abc")

    assert [secret.reveal() for secret in program.hidden] == ["demo?sign=1-abc", "sign=1-abc", "1-abc"]
