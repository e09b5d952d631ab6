"""`python -m services.worker` as a program: what it refuses, and how it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from tests.examples import a_channel, a_session

ROOT = Path(__file__).parent.parent.parent
ARGUMENTS = ("--channel", "camera", "--session", "session")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {
        "STREAMKEEP_STATE_PATH": str(tmp_path / "state.db"),
        "STREAMKEEP_OBJECTS_PATH": str(tmp_path / "objects"),
        "STREAMKEEP_SPOOL_PATH": str(tmp_path / "spool"),
        "STREAMKEEP_PULL_URL": "rtmp://127.0.0.1:1/stream",
    }


def worker(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMKEEP_")}
    return subprocess.run(
        [sys.executable, "-m", "services.worker", *arguments],
        cwd=ROOT,
        env={**environment, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.parametrize("name", ["STREAMKEEP_STATE_PATH", "STREAMKEEP_OBJECTS_PATH", "STREAMKEEP_SPOOL_PATH"])
def test_a_missing_setting_is_named(settings: dict[str, str], name: str) -> None:
    del settings[name]
    done = worker(settings, *ARGUMENTS)

    assert done.returncode == 2
    assert f"setting {name}: " in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STREAMKEEP_MIN_FREE_BYTES", "-1"),
        ("STREAMKEEP_MIN_FREE_BYTES", "much"),
        ("STREAMKEEP_LEASE_SECONDS", "1"),
        ("STREAMKEEP_REREAD_SECONDS", "0"),
        ("STREAMKEEP_WATCHDOG_SECONDS", "-1"),
        ("STREAMKEEP_CONTROL_PORT", "65536"),
        ("STREAMKEEP_ADVERTISED_HOST", "http://x/"),
        ("STREAMKEEP_ZONE", "a/b"),
        ("STREAMKEEP_LOG_FORMAT", "xml"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, str], name: str, value: str) -> None:
    done = worker({**settings, name: value}, *ARGUMENTS)

    assert done.returncode == 2
    assert f"setting {name}:" in done.stderr


def test_an_unknown_setting_is_named(settings: dict[str, str]) -> None:
    done = worker({**settings, "STREAMKEEP_SPOOLPATH": "/x"}, *ARGUMENTS)

    assert done.returncode == 2
    assert "STREAMKEEP_SPOOLPATH" in done.stderr


@pytest.mark.parametrize(
    ("hand_over", "stop", "returncode"), [("95", "20", 1), ("95", "21", 2), ("100", "110", 2)], ids=str
)
def test_on_ecs_the_hand_over_and_the_shipping_end_before_the_task_is_killed(
    settings: dict[str, str], hand_over: str, stop: str, returncode: int
) -> None:
    waits = {"STREAMKEEP_HAND_OVER_SECONDS": hand_over, "STREAMKEEP_STOP_SECONDS": stop}
    done = worker({**settings, **waits, "ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:1/v4/abc"}, *ARGUMENTS)

    assert done.returncode == returncode
    assert ("setting STREAMKEEP_HAND_OVER_SECONDS:" in done.stderr) == (returncode == 2)
    assert ("ECS does not tell this task who it is" in done.stderr) == (returncode == 1)


@pytest.mark.parametrize("missing", ["--channel", "--session"])
def test_a_missing_argument_is_named(settings: dict[str, str], missing: str) -> None:
    given = [(name, value) for name, value in zip(ARGUMENTS[::2], ARGUMENTS[1::2], strict=True) if name != missing]
    done = worker(settings, *given[0])

    assert done.returncode == 2
    assert missing in done.stderr


def test_an_unknown_session_is_no_work(settings: dict[str, str]) -> None:
    done = worker(settings, *ARGUMENTS)

    assert done.returncode == 1
    assert "worker_cannot_start" in done.stderr
    assert "no session has the id" in done.stderr


def test_state_that_cannot_be_opened_is_no_work(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    done = worker(settings, *ARGUMENTS)

    assert done.returncode == 1
    assert "worker_cannot_start" in done.stderr


def test_a_session_that_another_worker_holds_is_left_to_it(settings: dict[str, str], tmp_path: Path) -> None:
    with SqliteState(tmp_path / "state.db") as state:
        state.channels.add(a_channel())
        state.sessions.save(session=a_session())
        state.leases.claim("session", "another", ttl=timedelta(minutes=5), now=SystemClock().now())
        done = worker(settings, *ARGUMENTS)

        assert done.returncode == 3
        assert "worker_not_needed" in done.stderr
        assert not (tmp_path / "spool" / "session").exists()


def test_no_token_reaches_the_log(settings: dict[str, str], tmp_path: Path) -> None:
    with SqliteState(tmp_path / "state.db") as state:
        state.channels.add(a_channel())
        state.sessions.save(session=a_session(publisher=None, absent_since=SystemClock().now() - timedelta(days=1)))
        done = worker({**settings, "STREAMKEEP_LOG_LEVEL": "debug"}, *ARGUMENTS)

        assert done.returncode == 0
        assert not state.sessions.get("session").state.is_open
    assert "token=pull" not in done.stderr
