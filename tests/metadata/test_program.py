"""`python -m services.metadata`: its settings, its port, its stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

DEADLINE_SECONDS = 20


def environment(folder: Path, **changes: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
    own = {
        "STATE_PATH": str(folder / "state.db"),
        "OBJECTS_PATH": str(folder / "objects"),
        "PORT": "0",
        "TOKEN": "admin-token",
        "PUBLISH_SECRETS": "a:publish",
        "LINK_SECRETS": "a:link",
        "INTERNAL_TOKEN": "internal-token",
    }
    return inherited | {f"STREAMKEEP_{name}": value for name, value in (own | changes).items() if value}


@contextmanager
def started(env: Mapping[str, str], fds: tuple[int, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "services.metadata"], env=env, stderr=subprocess.PIPE, text=True, pass_fds=fds
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: subprocess.Popen[str]) -> str:
    """Wait for the service to listen; the test's own deadline ends a wait in vain."""
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line)
        if event["event"] == "listening":
            return str(event["address"])
    pytest.fail("the service ended before it listened")


def refusal(env: Mapping[str, str]) -> tuple[int, str]:
    with started(env) as process:
        _, said = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    with started(environment(tmp_path)) as process:
        assert httpx.get(f"http://{address(process)}/healthz", trust_env=False).status_code == 200

        process.send_signal(number)

        assert process.wait(DEADLINE_SECONDS) == 0


def test_it_ends_when_its_lifeline_does(tmp_path: Path) -> None:
    ours, its = socket.socketpair()
    with its, started(environment(tmp_path, LIFELINE_FD=str(its.fileno())), (its.fileno(),)) as process:
        address(process)

        ours.close()

        assert process.wait(DEADLINE_SECONDS) == 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, said = refusal(environment(tmp_path, PORT=str(port)))

    assert code == 1
    assert f"127.0.0.1:{port}" in said
    assert "Traceback" not in said


def test_a_state_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()

    code, said = refusal(environment(tmp_path))

    assert code == 1
    assert str(tmp_path / "state.db") in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN", ""),
        ("TOKEN", "two words"),
        ("PUBLISH_SECRETS", "secretly"),
        ("LINK_SECRETS", "a:"),
        ("INTERNAL_TOKEN", ""),
        ("PUBLIC_URL", "ftp://host"),
        ("RTMP_URL", "rtmp://host"),
        ("CALLBACK_URL", "host:8002"),
        ("PORT", "70000"),
        ("COLOUR", "red"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_its_value_is_not_shown(
    tmp_path: Path, name: str, value: str
) -> None:
    code, said = refusal(environment(tmp_path, **{name: value}))

    assert code == 2
    assert f"STREAMKEEP_{name}" in said
    assert not value or value not in said
