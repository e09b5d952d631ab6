from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from services.gateway.bootstrap import process_launcher, worker_environment
from services.worker.settings import WorkerSettings
from tests.gateway.world import World


def test_a_worker_gets_the_settings_it_reads_and_no_other(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(MIN_FREE_BYTES="12345", LOG_LEVEL="warning", LOG_FORMAT="console")
    given = worker_environment(world.settings)
    known = {f"STREAMKEEP_{name}".upper() for name in WorkerSettings.model_fields}

    assert given == {
        "STREAMKEEP_STATE_PATH": str(tmp_path / "state.db"),
        "STREAMKEEP_OBJECTS_PATH": str(tmp_path / "objects"),
        "STREAMKEEP_SPOOL_PATH": str(tmp_path / "spool"),
        "STREAMKEEP_PULL_URL": world.nginx.rtmp_url,
        "STREAMKEEP_MIN_FREE_BYTES": "12345",
        "STREAMKEEP_LOG_LEVEL": "warning",
        "STREAMKEEP_LOG_FORMAT": "console",
    }
    assert given.keys() <= known


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
