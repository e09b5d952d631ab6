"""The whole stack: real services, real nginx, real signals."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from services.local.ports import Ports
from services.local.readiness import wait_until_ready
from tests.local.running import DEADLINE_SECONDS, RunningStack

Start = Callable[..., RunningStack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as started:

        def start(*arguments: str, folder: str = "data", **variables: str) -> RunningStack:
            stack = RunningStack(tmp_path / folder, *arguments, **variables)
            started.callback(stack.close)
            return stack

        yield start


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=DEADLINE_SECONDS)[1]


def test_the_printed_stream_key_is_that_of_the_demo_channel(start: Start) -> None:
    stack = start()
    stack.until_ready()

    publish = stack.call("GET", "/channels/demo")["publish"]

    assert publish["server"] == f"rtmp://127.0.0.1:{1935 + stack.offset}/stream"
    assert publish["stream_key"] == stack.key


def test_the_token_of_the_environment_is_the_token(start: Start) -> None:
    stack = start(STREAMKEEP_TOKEN="chosen")
    stack.until_ready()

    assert stack.token == "chosen"
    assert stack.call("GET", "/channels/demo")["id"] == "demo"


def test_the_printed_console_address_carries_the_token_where_browsers_tell_nobody(start: Start) -> None:
    stack = start(STREAMKEEP_TOKEN="odd+token#%")
    stack.until_ready()

    (address,) = [line.split()[1] for line in stack.said if line.strip().startswith("Console:")]

    page = urlsplit(address)
    assert (page.netloc, page.path) == (f"127.0.0.1:{8000 + stack.offset}", "/console/")
    assert parse_qs(page.fragment) == {"token": ["odd+token#%"]}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process_and_a_second_one_spoils_nothing(start: Start, number: signal.Signals) -> None:
    stack = start()
    stack.until_ready()
    processes = stack.processes()

    stack.process.send_signal(number)
    stack.process.send_signal(signal.SIGINT)

    assert stack.ended() == 0
    assert not _alive(processes)
    assert "streamkeep has stopped.\n" in stack.said
    assert "Traceback" not in "".join(stack.said)


def test_a_signal_before_the_stack_is_ready_ends_it_as_well(start: Start) -> None:
    stack = start()
    stack.says("callback_app_started|listening")

    stack.process.send_signal(signal.SIGINT)

    assert stack.ended() == 0


def test_channels_keys_and_token_survive_a_restart(start: Start) -> None:
    first = start()
    first.until_ready()
    channel = first.call("POST", "/channels", {"name": "kept"})["id"]
    first.process.terminate()
    first.ended()

    second = start()
    second.until_ready()

    assert (second.key, second.token) == (first.key, first.token)
    assert second.call("GET", f"/channels/{channel}")["name"] == "kept"


def test_nothing_is_left_when_the_stack_is_killed(start: Start) -> None:
    stack = start("--demo")
    stack.until_ready()
    stack.says("part_began")
    processes = stack.processes()
    assert {"nginx", "ffmpeg"} <= {process.name() for process in processes}

    stack.process.kill()

    assert not _alive(processes)


def test_two_stacks_run_side_by_side(start: Start) -> None:
    one, two = start(folder="one"), start(folder="two")
    one.until_ready()
    two.until_ready()

    assert one.key != two.key
    assert one.call("GET", "/channels/demo")["id"] == two.call("GET", "/channels/demo")["id"] == "demo"


@pytest.mark.parametrize(
    ("program", "command"),
    [("nginx", "nginx.conf"), ("gateway", "services.gateway"), ("metadata", "services.metadata")],
)
def test_a_part_that_is_killed_comes_back(start: Start, program: str, command: str) -> None:
    stack = start(STREAMKEEP_LOG_LEVEL="debug")
    stack.until_ready()

    part = next(process for process in stack.processes() if command in " ".join(process.cmdline()))
    part.kill()
    stack.says(f"program_ended.*exit=-9 program={program}")
    stack.says(f"program_started.*program={program}")

    asyncio.run(wait_until_ready(Ports.moved(stack.offset), DEADLINE_SECONDS))


def test_a_demo_puts_a_snapshot_into_the_folder_and_no_key_into_the_log(start: Start, tmp_path: Path) -> None:
    stack = start("--demo")
    stack.until_ready()

    key = stack.says(r"shipped.*key=(snapshots/demo/\S+\.jpg)")[1]
    stack.process.terminate()

    assert stack.ended() == 0
    assert (tmp_path / "data" / "objects" / key).read_bytes().startswith(b"\xff\xd8")
    signature = stack.key.partition("sign=")[2]
    assert signature
    assert [line for line in stack.said if signature in line and "Stream key:" not in line] == []
