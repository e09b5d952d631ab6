from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.world import World
from tests.waiting import eventually

END_SECONDS = 20.0


class Command:
    """`python -m services.gateway` in an environment of its own."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self._log = log
        self.variables = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
        self.variables |= variables
        self.process: subprocess.Popen[bytes]

    def start(self, *, lifeline: socket.socket | None = None) -> None:
        fds = () if lifeline is None else (lifeline.fileno(),)
        with self._log.open("wb") as log:
            argv = [sys.executable, "-m", "services.gateway"]
            self.process = subprocess.Popen(argv, env=self.variables, stderr=log, stdout=log, pass_fds=fds)

    def until_alive(self, port: int) -> None:
        def look() -> bool:
            assert self.process.poll() is None, self.log
            try:
                return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
            except httpx.ConnectError:
                return False

        eventually(look, what="the app answers")

    def exit_code(self) -> int:
        return self.process.wait(END_SECONDS)

    @property
    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def unstarted(new_world: Callable[..., World]) -> World:
    return new_world()


@pytest.fixture
def command(unstarted: World) -> Iterator[Command]:
    command = Command(unstarted.variables, unstarted.folder / "command.log")
    yield command
    if hasattr(command, "process"):
        if command.process.poll() is None:
            command.process.kill()
        command.process.wait(END_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal_and_exits_0(
    command: Command, unstarted: World, number: signal.Signals
) -> None:
    command.start()
    command.until_alive(unstarted.port)
    command.process.send_signal(number)

    assert command.exit_code() == 0
    assert "callback_app_stopped" in command.log


def test_the_command_ends_with_its_lifeline(command: Command, unstarted: World) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command.variables["STREAMKEEP_LIFELINE_FD"] = str(theirs.fileno())
            command.start(lifeline=theirs)
        command.until_alive(unstarted.port)

    assert command.exit_code() == 0


def test_a_taken_port_is_named_and_the_command_exits_1(command: Command, unstarted: World) -> None:
    with socket.create_server(("127.0.0.1", unstarted.port)):
        command.start()
        code = command.exit_code()

    assert code == 1
    assert f"port {unstarted.port} of 127.0.0.1 cannot be used" in command.log
    assert "STREAMKEEP_PORT" in command.log


def test_a_state_that_cannot_be_opened_is_named_and_the_command_exits_1(command: Command, tmp_path: Path) -> None:
    command.variables["STREAMKEEP_STATE_PATH"] = str(tmp_path)
    command.start()

    assert command.exit_code() == 1
    assert f"state file {tmp_path}: " in command.log
    assert "STREAMKEEP_STATE_PATH" in command.log
    assert "Traceback" not in command.log


BAD = {
    "PORT": "65536",
    "PUBLISH_SECRETS": "secret-without-id",
    "INTERNAL_TOKEN": "",
    "NGINX_URL": "ftp://127.0.0.1",
    "PULL_URL": "http://127.0.0.1/stream",
    "GATEWAY_NAME": "a/b",
    "HOLD_SECONDS": "6",
    "SWEEP_SECONDS": "0",
    "LAUNCH_CONCURRENCY": "0",
    "MIN_FREE_BYTES": "-1",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
}


def test_each_bad_setting_is_named_and_the_command_exits_2(command: Command) -> None:
    command.variables |= {f"STREAMKEEP_{name}": value for name, value in BAD.items()}
    command.start()
    code = command.exit_code()
    named = {line.split(":")[0].removeprefix("setting STREAMKEEP_") for line in command.log.splitlines()}

    assert code == 2
    assert named == set(BAD)
    assert "secret-without-id" not in command.log


def test_an_unknown_setting_is_named_and_the_command_exits_2(command: Command) -> None:
    command.variables["STREAMKEEP_HOLD"] = "1"
    command.start()

    assert command.exit_code() == 2
    assert "STREAMKEEP_HOLD" in command.log


def test_the_level_and_the_format_of_the_log_are_settings(command: Command, unstarted: World) -> None:
    command.variables |= {"STREAMKEEP_LOG_LEVEL": "warning", "STREAMKEEP_LOG_FORMAT": "console"}
    command.start()
    command.until_alive(unstarted.port)
    unstarted.break_state()
    unstarted.call("publish")
    command.process.terminate()
    command.exit_code()

    assert "callback_app_started" not in command.log
    assert "publish_refused" in command.log
    assert not command.log.startswith("{")
