from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from services.metadata.bootstrap import application
from services.metadata.probe import WAIT_SECONDS
from services.runtime.serving import listen
from tests.emulators import Emulators
from tests.metadata.callback_double import callback_double
from tests.metadata.running import Running, served, settings_for
from tests.metadata.test_bad_input import assert_problem
from tests.waiting import eventually


def missing(service: Running) -> set[str]:
    problem = assert_problem(service.anonymous.get("/readyz"), 503)
    return {error["field"] for error in problem["errors"]}


def test_the_service_is_ready_when_all_it_needs_is(service: Running) -> None:
    assert service.anonymous.get("/readyz").status_code == 200


def test_a_gateway_that_takes_no_publish_is_named(fresh_service: Running) -> None:
    fresh_service.callback.ready = False
    assert missing(fresh_service) == {"gateway"}

    fresh_service.callback.ready = True

    assert fresh_service.anonymous.get("/readyz").status_code == 200


def test_all_that_is_missing_is_named_and_the_service_stays_alive(fresh_service: Running) -> None:
    fresh_service.callback.shutdown()
    fresh_service.callback.server_close()
    shutil.rmtree(fresh_service.objects_path)
    with closing(sqlite3.connect(fresh_service.state_path)) as connection:
        connection.execute("DROP TABLE channels")

    assert missing(fresh_service) == {"gateway", "store", "state"}
    assert fresh_service.anonymous.get("/healthz").status_code == 200


def test_what_exactly_is_missing_is_in_the_log(fresh_service: Running) -> None:
    shutil.rmtree(fresh_service.objects_path)

    with capture_logs() as logs:
        fresh_service.anonymous.get("/readyz")

    (entry,) = [entry for entry in logs if entry["event"] == "not_ready"]
    assert entry["dependency"] == "store"
    assert str(fresh_service.objects_path) in entry["error"]


@pytest.fixture
def hung(emulators: Emulators, tmp_path: Path) -> Iterator[httpx.Client]:  # noqa: ARG001 - their credentials
    """Run the service over an AWS that takes connections and never answers."""
    with (
        pytest.MonkeyPatch.context() as environment,
        callback_double() as callback,
        listen("127.0.0.1", 0) as bound,
        socket.create_server(("127.0.0.1", 0), backlog=100) as silent,
    ):
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        settings = settings_for(tmp_path, callback.url, bound.getsockname()[1]).model_copy(
            update={"state": "dynamodb", "state_path": None, "store": "s3", "objects_path": None}
        )
        with (
            application(settings) as app,
            served(app, bound),
            httpx.Client(base_url=settings.public_url, timeout=20) as client,
        ):
            yield client
    eventually(lambda: not looks(), what="the looks end with the connections")


def looks() -> list[str]:
    """Name the looks that are under way in this process."""
    return sorted(thread.name for thread in threading.enumerate() if thread.name in ("state", "store", "gateway"))


def test_dependencies_that_hang_are_named_within_three_seconds(hung: httpx.Client) -> None:
    began = time.monotonic()

    with capture_logs() as logs:
        problem = assert_problem(hung.get("/readyz"), 503)

    assert time.monotonic() - began < 2 * WAIT_SECONDS
    assert {error["field"] for error in problem["errors"]} == {"state", "store"}
    assert {entry["dependency"] for entry in logs if entry["event"] == "not_ready"} == {"state", "store"}


def test_many_who_ask_meanwhile_share_one_look_and_the_service_stays_alive(hung: httpx.Client) -> None:
    async def ask(times: int) -> set[int]:
        async with httpx.AsyncClient(base_url=hung.base_url, timeout=20, trust_env=False) as client:
            return {
                answer.status_code for answer in await asyncio.gather(*(client.get("/readyz") for _ in range(times)))
            }

    began = time.monotonic()
    statuses = asyncio.run(ask(60))
    under_way = looks()

    assert statuses == {503}
    assert time.monotonic() - began < 2 * WAIT_SECONDS
    assert under_way == ["state", "store"]
    assert hung.get("/healthz").status_code == 200
