from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.gateway.bootstrap import process_launcher, worker_environment
from services.gateway.settings import GatewaySettings, Pace
from services.worker.settings import WorkerSettings
from tests.gateway.nginx_process import new_nginx
from tests.gateway.served import settings_variables
from tests.gateway.world import World


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., GatewaySettings]:
    """Read settings as the callback app does, with its places given."""

    def read(**settings: str) -> GatewaySettings:
        variables = settings_variables(tmp_path, port=0, nginx=new_nginx(tmp_path / "run"))
        own = {name.removeprefix("STREAMKEEP_"): value for name, value in variables.items()}
        return GatewaySettings.model_validate({name.lower(): value for name, value in (own | settings).items()})

    return read


def test_a_worker_gets_the_settings_it_reads_and_no_other(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(
        MIN_FREE_BYTES="12345", SPOOL_BYTES="2345678", LEASE_SECONDS="20", LOG_LEVEL="warning", LOG_FORMAT="console"
    )
    given = worker_environment(world.settings)
    known = {f"STREAMKEEP_{name}".upper() for name in WorkerSettings.model_fields}

    assert given == {
        "STREAMKEEP_STATE": "sqlite",
        "STREAMKEEP_TABLE": "streamkeep",
        "STREAMKEEP_STORE": "directory",
        "STREAMKEEP_BUCKET": "streamkeep",
        "STREAMKEEP_STATE_PATH": str(tmp_path / "state.db"),
        "STREAMKEEP_OBJECTS_PATH": str(tmp_path / "objects"),
        "STREAMKEEP_SPOOL_PATH": str(tmp_path / "spool"),
        "STREAMKEEP_PULL_URL": world.nginx.rtmp_url,
        "STREAMKEEP_MIN_FREE_BYTES": "12345",
        "STREAMKEEP_SPOOL_BYTES": "2345678",
        "STREAMKEEP_LEASE_SECONDS": "20",
        "STREAMKEEP_EVENTS": "true",
        "STREAMKEEP_CALLBACK_URL": f"http://127.0.0.1:{world.port}",
        "STREAMKEEP_LOG_LEVEL": "warning",
        "STREAMKEEP_LOG_FORMAT": "console",
    }
    assert given.keys() <= known


@pytest.mark.parametrize(
    ("settings", "pace"),
    [
        ({}, Pace(sweep_seconds=2, decision_threads=1)),
        ({"STATE": "dynamodb"}, Pace(sweep_seconds=5, decision_threads=16)),
        ({"STATE": "dynamodb", "SWEEP_SECONDS": "0.5"}, Pace(sweep_seconds=0.5, decision_threads=16)),
        ({"DECISION_THREADS": "4"}, Pace(sweep_seconds=2, decision_threads=4)),
    ],
    ids=["sqlite", "dynamodb", "sweeps as asked", "threads as asked"],
)
def test_the_pace_is_that_of_the_state_unless_it_is_asked_for(
    settings: dict[str, str], pace: Pace, settings_of: Callable[..., GatewaySettings]
) -> None:
    assert settings_of(**settings).pace == pace


@pytest.mark.parametrize("name", ["SWEEP_SECONDS", "DECISION_THREADS"])
@pytest.mark.parametrize("value", ["0", "-1", "65", "often"])
def test_a_pace_that_cannot_be_kept_is_refused_by_name(
    name: str, value: str, settings_of: Callable[..., GatewaySettings]
) -> None:
    with pytest.raises(ValidationError, match=name.lower()):
        settings_of(**{name: value})


def test_as_many_decide_at_once_as_the_pace_says(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60", DECISION_THREADS="3")
    world.start(nginx=False)

    assert len(world.served.app.hooks.deciders._threads) == 3


def test_workers_are_run_by_this_interpreter(new_world: Callable[..., World]) -> None:
    launcher = process_launcher(new_world().settings, lambda _session_id, _returncode: None)

    assert launcher._command == (sys.executable, "-m", "services.worker")  # type: ignore[attr-defined] # the concrete one


def test_the_gateways_name_stands_in_the_session(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(GATEWAY_NAME="edge-1", SWEEP_SECONDS="60")
    world.add_channel()
    world.start(nginx=False)
    world.call("publish", sign=world.sign())
    publisher = world.session().publisher

    assert publisher is not None
    assert publisher.gateway == "edge-1/boot"


def test_the_callback_app_listens_where_its_settings_say(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(HOST="127.0.0.2", SWEEP_SECONDS="60")
    world.start(nginx=False)

    assert world.http.get("/healthz").status_code == 200


def test_both_secrets_of_the_ring_are_accepted(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="60", HOLD_SECONDS="0")
    for name in ("one", "two"):
        world.add_channel(name)
    world.start(nginx=False)
    answers = [
        world.call("publish", client_id=number, name=name, sign=world.sign(name, key_id=name))
        for number, name in enumerate(("one", "two"))
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_no_secret_shows_in_the_settings_repr(new_world: Callable[..., World]) -> None:
    shown = repr(new_world().settings)

    assert "publish-secret" not in shown
    assert "internal-token" not in shown
