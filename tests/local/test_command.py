"""The command as a user starts it: what it says and how it ends where it cannot start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.folder import DataFolder
from tests.local.running import free_offset

DEADLINE_SECONDS = 30


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the stack where it must end by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
    return subprocess.run(
        [sys.executable, "-m", "services.local", "--data", str(folder), *arguments],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_a_taken_port_stops_the_start_and_is_named(tmp_path: Path) -> None:
    offset = free_offset()
    with socket.create_server(("127.0.0.1", 8000 + offset)):
        ended = start(tmp_path, "--port-offset", str(offset))

    assert ended.returncode == 1
    assert f"port {8000 + offset} for the API cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_machine_without_ffmpeg_is_told_what_to_install(tmp_path: Path) -> None:
    ended = start(tmp_path, PATH=str(tmp_path))

    assert ended.returncode == 1
    assert "apt-get install -y ffmpeg" in ended.stderr


def test_a_full_disk_stops_the_start(tmp_path: Path) -> None:
    ended = start(tmp_path, STREAMKEEP_MIN_FREE_BYTES=str(2**60))

    assert ended.returncode == 1
    assert "STREAMKEEP_MIN_FREE_BYTES" in ended.stderr


def test_a_second_stack_on_the_same_folder_is_told_to_take_another(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    with folder.held():
        ended = start(tmp_path)

    assert ended.returncode == 1
    assert "another stack is running on it" in ended.stderr


@pytest.mark.parametrize("name", ["STREAMKEEP_STATE_PATH", "STREAMKEEP_OBJECTS_PATH"])
def test_a_place_that_only_the_commands_read_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    ended = start(tmp_path / "data", **{name: str(tmp_path)})

    assert ended.returncode == 2
    assert f"{name}: unset it: the stack's" in ended.stderr
    assert "--data" in ended.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("offset", ["-1", "57534", "abc", ""])
def test_an_offset_that_moves_no_port_is_refused(tmp_path: Path, offset: str) -> None:
    ended = start(tmp_path, f"--port-offset={offset}")

    assert ended.returncode == 2
    assert "--port-offset" in ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STREAMKEEP_TOKEN", "two words"),
        ("STREAMKEEP_RTMP_HOST", "10.0.0.1"),
        ("STREAMKEEP_MIN_FREE_BYTES", "-1"),
        ("STREAMKEEP_TOKENS", "misspelt"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str) -> None:
    ended = start(tmp_path, **{name: value})

    assert ended.returncode == 2
    assert name in ended.stderr
    assert "two words" not in ended.stderr
